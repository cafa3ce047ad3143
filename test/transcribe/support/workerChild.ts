/*
 * A worker thread of Node that loads the demo model, computes, and ends without closing it, in the way that it is told.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { loadModel } from '../../../src/index.js';
import { demoModelDir } from '../../support/projectRoot.js';

const model = await loadModel(demoModelDir, { backend: 'x64', threads: 3 });
const samples = new Float32Array(16_000).fill(0.1);
const { audioTokenCount } = await model.transcribe(samples, { maxTokens: 2 }).result;
parentPort?.postMessage(audioTokenCount);
if (workerData === 'process.exit') process.exit();
if (workerData === 'terminate() while it waits') setInterval(() => {}, 1000);
if (workerData === 'terminate() while it computes') {
  for (;;) await model.transcribe(samples, { exactTokens: 200 }).result;
}

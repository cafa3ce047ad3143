import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { loadWav } from '../../src/index.js';
import { fileReaderInto, readModelDirectory } from '../../src/model/modelDirectory.js';
import { spawnNodeParticipant } from '../../src/runtime/nodeThreads.js';
import type { ParticipantThread } from '../../src/runtime/wasmParticipant.js';
import { buildModel } from '../../src/transcribe/buildModel.js';
import { openWasmBackend } from '../../src/transcribe/openWasmBackend.js';
import { demoModelDir } from '../support/projectRoot.js';

/** A thread whose program cannot be found, as in a bundle that nobody put it beside. */
function spawnLost(): ParticipantThread {
  const worker = new Worker(new URL('./absent.js', import.meta.url));
  return {
    post: (message) => worker.postMessage(message),
    onReply: (listener) => void worker.on('message', listener),
    onFailure: (listener) => void worker.on('error', (error) => listener(error.message)),
    hold: () => {},
    terminate: async () => void (await worker.terminate()),
  };
}

const CASES: readonly (readonly [string, (spawned: number) => ParticipantThread, threads: number])[] = [
  ['none of three threads', spawnLost, 1],
  ['two of three threads', (spawned) => (spawned === 1 ? spawnLost() : spawnNodeParticipant()), 2],
];

for (const [name, spawn, threads] of CASES) {
  test(`${name} start: those that there are transcribe, and why there are not more is told`, async () => {
    let spawned = 0;
    const wasm = await openWasmBackend({
      threadCount: 3,
      weightBytes: 2 ** 24,
      spawn: () => spawn(spawned++),
    });
    const files = await readModelDirectory(demoModelDir, fileReaderInto(wasm.provide));
    const model = await buildModel(files, wasm.backend, { startMs: performance.now() });
    try {
      const { samples } = await loadWav(join(demoModelDir, 'samples', 'light-en.wav'));
      assert.equal((await model.transcribe(samples).result).text, 'Turn on the kitchen light.');
      assert.equal(model.info.threads, threads);
      assert.match(wasm.refusal ?? '', /^a worker did not start \(Cannot find module .*\)$/);
    } finally {
      await model.close();
    }
  });
}

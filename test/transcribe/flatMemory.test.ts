import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { loadModel } from '../../src/index.js';
import { demoModelDir } from '../support/projectRoot.js';
import { speakSentences } from '../support/sentences.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Long enough for caches, kernels and the compiler to settle. */
const SETTLED_AFTER = 60;
const SEGMENTS = 240;

/** A segment has 0.2 MB of samples, mel and embeddings: the rest of the recording would add 36 MB. */
const MAX_GROWTH_BYTES = 6e6;

test('memory does not grow with the length of the recording', async () => {
  const { samples } = await speakSentences([0, 1, 2, 3]);
  const endless = async function* () {
    for (;;) yield* [samples];
  };
  const model = await loadModel(demoModelDir);
  const held: number[] = [];
  for await (const { index } of model.transcribeLong(endless(), { segmentMs: 4000, maxTokens: 3 })) {
    if (index !== SETTLED_AFTER && index !== SEGMENTS) continue;
    collectGarbage();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    held.push(heapUsed + arrayBuffers);
    if (index === SEGMENTS) break;
  }
  await model.close();
  const growth = held[1]! - held[0]!;
  assert.ok(growth < MAX_GROWTH_BYTES, `${growth} bytes more after ${SEGMENTS - SETTLED_AFTER} segments`);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { loadModel } from '../../../src/index.js';
import { demoModelDir } from '../../support/projectRoot.js';
import { speakSentences } from '../../support/sentences.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** An hour, which takes more than a minute, with QWEN_ASR_FULL=1. */
const MINUTES = process.env['QWEN_ASR_FULL'] === '1' ? 60 : 6;

/** What a stream may hold after an hour beyond what it holds after its first minute. */
const MAX_GROWTH_BYTES = 20e6;

const MINUTE_SAMPLES = 60 * 16_000;

test(`live for ${MINUTES} minutes: the memory is that of the first minute, and every sentence is heard`, async () => {
  const { samples, texts } = await speakSentences([0, 1, 2, 3]);
  const model = await loadModel(demoModelDir, { threads: 1 });
  const stream = model.openStream({ coalesce: false });
  let heard = 0;
  const listening = (async () => {
    for await (const { segmentText } of stream) {
      if (segmentText !== null && texts.includes(segmentText)) heard++;
    }
  })();
  const held: { rss: number; script: number }[] = [];
  let written = 0;
  for (let minute = 1; minute <= MINUTES; minute++) {
    for (; written < minute * MINUTE_SAMPLES; written += samples.length) await stream.write(samples);
    collectGarbage();
    const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
    held.push({ rss, script: heapUsed + arrayBuffers });
  }
  await stream.finish();
  await listening;
  await model.close();
  const spoken = (written / samples.length) * texts.length;
  const [first, last] = [held[0]!, held.at(-1)!];
  for (const kind of ['rss', 'script'] as const) {
    const growth = last[kind] - first[kind];
    assert.ok(growth < MAX_GROWTH_BYTES, `${kind}: ${growth} bytes more than after a minute`);
  }
  assert.ok(heard >= 0.9 * spoken, `${heard} of ${spoken} sentences`);
});

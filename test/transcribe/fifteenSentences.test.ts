import assert from 'node:assert/strict';
import { test } from 'node:test';
import { joinLanguages, joinTexts, loadModel, QwenAsrError, type SpeechModel } from '../../src/index.js';
import { demoModelDir } from '../support/projectRoot.js';
import { FIFTEEN, speakSentences } from '../support/sentences.js';

for (const backend of ['x64', 'wasm', 'reference'] as const) {
  test(`fifteen sentences of 4.0 s in segments of 4 s on ${backend}`, async (t) => {
    let model: SpeechModel;
    try {
      model = await loadModel(demoModelDir, { backend });
    } catch (error) {
      if (!(error instanceof QwenAsrError && error.code === 'unsupported')) throw error;
      return t.skip(error.message);
    }
    for (const jitterSeconds of [0, 0.3]) {
      const { samples, texts } = await speakSentences(FIFTEEN, jitterSeconds);
      const segments = [];
      for await (const segment of model.transcribeLong(samples, { segmentMs: 4000 })) segments.push(segment);
      const name = `gaps jittered by ${jitterSeconds} s`;
      assert.equal(joinTexts(segments.map(({ text }) => text)), texts.join(' '), name);
      for (const [i, { index, startMs }] of segments.entries()) {
        assert.deepEqual([index, startMs], [i, segments[i - 1]?.endMs ?? 0], name);
      }
      assert.equal(segments.at(-1)?.endMs, samples.length / 16, name);
      assert.match(
        joinLanguages(segments.map(({ language }) => language)),
        /^English,German,Spanish,English/,
      );
    }
    await model.close();
  });
}

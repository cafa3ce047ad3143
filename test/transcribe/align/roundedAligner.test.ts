import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadAligner } from '../../../src/index.js';
import { writeQuantized } from '../../../src/model/writeQuantized.js';
import { buildAligner } from '../../../src/transcribe/align/buildAligner.js';
import { loadInto } from '../../../src/transcribe/loadModel.js';
import { temporaryDirectory } from '../../model/support/temporaryDirectory.js';
import { demoAlignerDir } from '../../support/projectRoot.js';
import { ALIGNER_CLIPS, CLASS_MS, checkAlignerGoldens, readClip } from '../support/checkAlignerGoldens.js';

/** The demo aligner has so few weights a row that 4 bits turn the logits by more than its smaller margins. */
const SURE_MARGIN_OF_4_BITS = 1.5;

async function quantised(bits: 8 | 4, output: string): Promise<string> {
  await writeQuantized({ input: demoAlignerDir, output, bits, groupSize: 32 });
  return output;
}

test('an aligner of 8 bits says the classes of the independent implementation, but for small margins', async (t) => {
  const directory = await quantised(8, join(temporaryDirectory(t), '8bit'));
  const aligner = await loadAligner(directory);
  assert.equal(aligner.info.precision, 'int8');
  await aligner.close();
  await checkAlignerGoldens({}, ALIGNER_CLIPS, directory);
});

test('an aligner that is rounded to 8 bits while it is loaded does so too', () =>
  checkAlignerGoldens({ precision: 'int8' }));

test('of an aligner of 4 bits 95 in 100 classes are the same, and all whose margin is large', async (t) => {
  const directory = await quantised(4, join(temporaryDirectory(t), '4bit'));
  const aligner = await loadInto(buildAligner, directory, {});
  let [equal, near, count] = [0, 0, 0];
  try {
    assert.equal(aligner.info.precision, 'int4');
    for (const name of ALIGNER_CLIPS) {
      const { golden, samples } = await readClip(name);
      const words = golden.words.map(({ word }) => word);
      const [found] = await aligner.timeWords([{ samples, words }]);
      for (const [k, expected] of golden.classes.entries()) {
        const distance = Math.abs(found!.times[k]! / CLASS_MS - expected);
        if (golden.margins[k]! >= SURE_MARGIN_OF_4_BITS) assert.equal(distance, 0, `${name}: class ${k}`);
        count += 1;
        equal += distance === 0 ? 1 : 0;
        near += distance <= 1 ? 1 : 0;
      }
    }
  } finally {
    await aligner.close();
  }
  t.diagnostic(`${equal} of ${count} equal, ${near} equal or the neighbour`);
  assert.ok(equal >= 0.95 * count && near >= 0.99 * count, `${equal} and ${near} of ${count}`);
});

import { test } from 'node:test';
import { ALIGNER_CLIPS, checkAlignerGoldens } from '../support/checkAlignerGoldens.js';
import { nativeConfigurations } from '../support/nativeConfigurations.js';

/** The loops of the reference need 2 s for a clip of 2 s. */
const SHORT_CLIPS = ALIGNER_CLIPS.slice(0, 3);

test('reference: the classes of short clips are those of the independent implementation', () =>
  checkAlignerGoldens({ backend: 'reference' }, SHORT_CLIPS));

for (const { isa, precision, missing } of await nativeConfigurations()) {
  test(
    `${isa} ${precision}: classes and words are those of the independent implementation`,
    {
      skip: missing,
    },
    () => checkAlignerGoldens({ backend: 'x64', isa, precision, threads: 2 }),
  );
}

for (const threads of [1, 3]) {
  test(`wasm, ${threads} threads: classes and words are those of the independent implementation`, () =>
    checkAlignerGoldens({ backend: 'wasm', threads }));
}

import { test } from 'node:test';
import { checkNativeGoldens, type GoldenClip } from './support/checkNativeGoldens.js';
import { nativeConfigurations } from './support/nativeConfigurations.js';

/** The published vocabulary of 151,936 entries on random weights. */
const CLIP: GoldenClip = { name: 'synthetic-tiny-seed1', options: { exactTokens: 4 }, hasTinyMargins: true };

for (const configuration of await nativeConfigurations()) {
  const { isa, precision, missing } = configuration;
  for (const threads of [1, 2, 3, 4]) {
    const how = `${isa} ${precision}, ${threads} threads`;
    test(`${how}: the synthetic model is that of the independent implementation`, { skip: missing }, () =>
      checkNativeGoldens('synthetic:tiny:1', [CLIP], configuration, threads),
    );
  }
}

import { test } from 'node:test';
import { checkNativeGoldens } from './support/checkNativeGoldens.js';
import { SYNTHETIC_CLIP } from './support/goldenClips.js';
import { nativeConfigurations } from './support/nativeConfigurations.js';

for (const configuration of await nativeConfigurations()) {
  const { isa, precision, missing } = configuration;
  for (const threads of [1, 2, 3, 4]) {
    const how = `${isa} ${precision}, ${threads} threads`;
    test(`${how}: the synthetic model is that of the independent implementation`, { skip: missing }, () =>
      checkNativeGoldens('synthetic:tiny:1', [SYNTHETIC_CLIP], configuration, threads),
    );
  }
}

import { test } from 'node:test';
import { demoModelDir } from '../support/projectRoot.js';
import { checkNativeGoldens } from './support/checkNativeGoldens.js';
import { DEMO_CLIPS } from './support/goldenClips.js';
import { nativeConfigurations } from './support/nativeConfigurations.js';

for (const configuration of await nativeConfigurations()) {
  const { isa, precision, missing } = configuration;
  for (const threads of [1, 2, 3, 4]) {
    const how = `${isa} ${precision}, ${threads} threads`;
    test(`${how}: stages and tokens are those of the independent implementation`, { skip: missing }, () =>
      checkNativeGoldens(demoModelDir, DEMO_CLIPS, configuration, threads),
    );
  }
}

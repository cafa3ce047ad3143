import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadModel } from '../../src/index.js';
import { multipliesPairs } from '../../src/runtime/processor.js';
import { demoModelDir } from '../support/projectRoot.js';
import { checkGoldenClip } from './support/checkGoldenClip.js';
import { DEMO_CLIPS } from './support/goldenClips.js';
import { noMachineCode } from './support/nativeConfigurations.js';

/** One clip, so that an emulated machine can run it: all of them, in every configuration, stand in nativeGoldens.test.ts. */
const CLIP = DEMO_CLIPS.find(({ name }) => name === 'demo/light-en')!;

test('what is chosen without a wish computes the stages and tokens of the independent implementation', {
  skip: await noMachineCode(),
}, async () => {
  const model = await loadModel(demoModelDir, { threads: 2 });
  try {
    const { isa, precision } = model.info;
    assert.equal(precision, multipliesPairs(isa!) ? 'bf16' : 'f32');
    await checkGoldenClip(model, CLIP);
  } finally {
    await model.close();
  }
});

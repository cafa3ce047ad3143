import assert from 'node:assert/strict';
import { loadModel } from '../../../src/index.js';
import { checkGoldenClip } from './checkGoldenClip.js';
import type { GoldenClip } from './goldenClips.js';
import type { NativeConfiguration } from './nativeConfigurations.js';

/**
 * Loads a model in one configuration and holds its stages, tokens and text against the goldens of some clips.
 *
 * @throws AssertionError
 */
export async function checkNativeGoldens(
  source: string,
  clips: readonly GoldenClip[],
  { backend, isa, precision }: NativeConfiguration,
  threads: number,
): Promise<void> {
  const model = await loadModel(source, { backend, isa, precision, threads });
  try {
    const { backend: found, isa: actual, precision: used, threads: participants } = model.info;
    assert.deepEqual([found, actual, used, participants], [backend, isa, precision, threads]);
    for (const clip of clips) await checkGoldenClip(model, clip);
  } finally {
    await model.close();
  }
}

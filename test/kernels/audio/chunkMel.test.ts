import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { chunkMel } from '../../../src/kernels/audio/convStem.js';
import { Random } from '../../support/random.js';
import { FeatureMapArray } from '../support/featureMap.js';
import { runKernel } from '../support/kernelHarness.js';
import { kernelTargets } from '../support/kernelTargets.js';

interface Size {
  readonly bins: number;
  readonly frames: number;
  readonly width: number;
}

const small: readonly Size[] = [
  { bins: 5, frames: 1, width: 1 },
  { bins: 3, frames: 17, width: 7 },
];
/** Whole chunks, a tail of one frame, all but one frame, and a clip shorter than a chunk. */
const published: readonly Size[] = [200, 201, 299, 793, 51].map((frames) => ({
  bins: 128,
  frames,
  width: Math.min(100, frames),
}));

describe('chunkMel', async () => {
  for (const target of await kernelTargets()) {
    test(`cuts a mel into chunks with zeros round them, on ${target.name}`, { skip: target.missing }, () => {
      for (const { bins, frames, width } of target.isSlow ? small : [...small, ...published]) {
        const chunks = Math.ceil(frames / width);
        const mel = new Random(frames).floats(bins * frames);
        const layout = { channels: 1, height: bins, width, dtype: 'f32' as const };
        const found = new FeatureMapArray(layout, chunks, { everywhere: 9 });
        const expected = new FeatureMapArray(layout, chunks, { everywhere: 0 });
        for (let bin = 0; bin < bins; bin++) {
          for (let frame = 0; frame < frames; frame++) {
            const at = expected.index(Math.floor(frame / width), 0, bin, frame % width);
            expected.array[at] = mel[bin * frames + frame]!;
          }
        }
        runKernel(
          target,
          chunkMel({ bins, width }),
          { mel, frames, map: found.array },
          { order: 'backwards' },
        );
        assert.deepEqual(found.array, expected.array, `${bins} bins, ${frames} frames`);
      }
    });
  }
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { flattenTime } from '../../../src/kernels/audio/convStem.js';
import { MODEL_SHAPES, STEM_HEIGHTS, STEM_WIDTHS } from '../../../src/kernels/registry/modelShapes.js';
import { FeatureMapArray } from '../support/featureMap.js';
import { runKernel, widen } from '../support/kernelHarness.js';
import { kernelTargets } from '../support/kernelTargets.js';

const CHUNKS = 3;

describe('flattenTime', async () => {
  for (const target of await kernelTargets()) {
    const stems = MODEL_SHAPES.map(({ encoder }) => ({
      channels: encoder.channels,
      height: STEM_HEIGHTS[3],
      width: STEM_WIDTHS[3],
    }));
    const sizes = [{ channels: 32, height: 2, width: 3 }, ...(target.isSlow ? [] : stems)];
    for (const dtype of ['f32', 'bf16'] as const) {
      test(`makes a row of every time step: ${dtype} on ${target.name}`, { skip: target.missing }, () => {
        for (const size of sizes) {
          const { channels, height, width } = size;
          const map = new FeatureMapArray({ ...size, dtype }, CHUNKS, { seed: channels });
          const rows = CHUNKS * width - 2; // the last chunk is not whole
          const length = channels * height;
          const y = map.array.slice(0, rows * length).fill(0);
          runKernel(target, flattenTime({ ...size, dtype }), { x: map.array, y }, { order: 'backwards' });
          const found = widen(y);
          const x = widen(map.array);
          for (let row = 0; row < rows; row++) {
            for (let c = 0; c < channels; c++) {
              for (let f = 0; f < height; f++) {
                const expected = x[map.index(Math.floor(row / width), c, f, row % width)];
                assert.equal(
                  found[row * length + c * height + f],
                  expected,
                  `row ${row}, channel ${c}, bin ${f}`,
                );
              }
            }
          }
        }
      });
    }
  }
});

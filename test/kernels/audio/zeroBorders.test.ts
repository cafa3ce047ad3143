import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { zeroBorders } from '../../../src/kernels/audio/convStem.js';
import { MODEL_SHAPES, STEM_HEIGHTS, STEM_WIDTHS } from '../../../src/kernels/registry/modelShapes.js';
import { borderCells, FeatureMapArray } from '../support/featureMap.js';
import { runKernel } from '../support/kernelHarness.js';
import { kernelTargets } from '../support/kernelTargets.js';

const CHUNKS = 3;

describe('zeroBorders', async () => {
  for (const target of await kernelTargets()) {
    const stages = MODEL_SHAPES.flatMap(({ encoder }) =>
      [1, 2, 3].map((stage) => ({
        channels: encoder.channels,
        height: STEM_HEIGHTS[stage]!,
        width: STEM_WIDTHS[stage]!,
      })),
    );
    const sizes = [
      { channels: 32, height: 1, width: 1 },
      { channels: 64, height: 3, width: 5 },
      ...(target.isSlow ? [] : stages),
    ];
    for (const dtype of ['f32', 'bf16'] as const) {
      test(`clears the border and nothing else: ${dtype} on ${target.name}`, { skip: target.missing }, () => {
        for (const size of sizes) {
          const layout = { ...size, dtype };
          const map = new FeatureMapArray(layout, CHUNKS, { everywhere: 1 });
          const expected = map.array.slice();
          for (let chunk = 0; chunk < CHUNKS; chunk++) {
            for (const [h, w] of borderCells(layout))
              expected.fill(0, map.index(chunk, 0, h, w), map.index(chunk, size.channels, h, w));
          }
          runKernel(target, zeroBorders(layout), { map: map.array }, { order: [2, 0, 1] });
          const at = map.array.findIndex((value, i) => value !== expected[i]);
          assert.equal(at, -1, `${JSON.stringify(layout)}: element ${at}`);
        }
      });
    }
  }
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { zeroBorders } from '../../../src/kernels/audio/convStem.js';
import { chunkBytes, elementBytes, rowBytes } from '../../../src/kernels/audio/featureMap.js';
import { QuantizedRows } from '../../../src/kernels/matrix/formats/affineBlocks.js';
import { MODEL_SHAPES, STEM_HEIGHTS, STEM_WIDTHS } from '../../../src/kernels/registry/modelShapes.js';
import { borderCells, FeatureMapArray } from '../support/featureMap.js';
import { runKernel } from '../support/kernelHarness.js';
import { kernelTargets } from '../support/kernelTargets.js';

const CHUNKS = 3;

/** Quantised elements: of 40 and of 168 bytes, of 176 with 7 bits. */
const QUANTIZED = [
  [8, 32],
  [8, 160],
  [7, 160],
] as const;

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
    test(`clears the border of quantised maps and nothing else: on ${target.name}`, {
      skip: target.missing,
    }, () => {
      for (const [bits, groupSize] of QUANTIZED) {
        const dtype = new QuantizedRows(bits, groupSize);
        const layout = { channels: 2 * groupSize, height: 3, width: 5, dtype };
        const map = new Uint8Array(CHUNKS * chunkBytes(layout)).fill(1);
        const expected = map.slice();
        for (let chunk = 0; chunk < CHUNKS; chunk++) {
          for (const [h, w] of borderCells(layout)) {
            const at =
              chunk * chunkBytes(layout) + (h + 1) * rowBytes(layout) + (w + 1) * elementBytes(layout);
            expected.fill(0, at, at + elementBytes(layout));
          }
        }
        runKernel(target, zeroBorders(layout), { map }, { order: 'backwards' });
        const at = map.findIndex((value, i) => value !== expected[i]);
        assert.equal(at, -1, `${dtype.name}: byte ${at}`);
      }
    });

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

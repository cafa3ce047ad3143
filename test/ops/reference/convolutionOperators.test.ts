import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gelu } from '../../../src/ops/reference/products.js';
import { pixelsOf } from '../../../src/ops/reference/referenceTensor.js';
import { Random } from '../../support/random.js';
import { assertClose, OperatorHarness } from './operatorHarness.js';

const harness = new OperatorHarness();

test('conv2dGelu is the definition of a padded, strided convolution', async () => {
  const random = new Random(5);
  for (let round = 0; round < 25; round++) {
    const [chunks, inputs, outputs] = [random.integer(1, 3), random.integer(1, 4), random.integer(1, 5)];
    const [height, width] = [random.integer(1, 9), random.integer(1, 11)];
    const size = { chunks, channels: inputs, height, width };
    const half = { height: Math.ceil(height / 2), width: Math.ceil(width / 2) };
    const x = harness.scope.featureMap('x', size);
    const y = harness.scope.featureMap('y', { chunks, channels: outputs, ...half });
    pixelsOf(x).set(random.floats(chunks * inputs * height * width));
    const filters = random.floats(outputs * inputs * 9);
    const shifts = random.floats(outputs);
    await harness.run((ops) => {
      const weight = harness.weight([outputs, inputs, 3, 3], filters);
      ops.conv2dGelu({ x, weight, bias: harness.weight([outputs], shifts), y });
    });
    // The padded image is written out, and every output is one sum over a 3×3 window of all channels.
    const pixel = (n: number, c: number, i: number, j: number) =>
      i < 0 || j < 0 || i >= height || j >= width
        ? 0
        : pixelsOf(x)[((n * inputs + c) * height + i) * width + j]!;
    const expected: number[] = [];
    for (let n = 0; n < chunks; n++)
      for (let o = 0; o < outputs; o++)
        for (let i = 0; i < half.height; i++)
          for (let j = 0; j < half.width; j++) {
            let sum = shifts[o]!;
            for (let tap = 0; tap < inputs * 9; tap++) {
              const [c, a, b] = [Math.floor(tap / 9), Math.floor((tap % 9) / 3), tap % 3];
              sum += filters[o * inputs * 9 + tap]! * pixel(n, c, 2 * i - 1 + a, 2 * j - 1 + b);
            }
            expected.push(gelu(sum));
          }
    assertClose(pixelsOf(y), expected);
  }
});

test('chunkMel cuts along time and zero-pads the last chunk, also over old values', async () => {
  const mel = harness.tensor([2, 5], Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
  const y = harness.scope.featureMap('y', { chunks: 2, channels: 1, height: 2, width: 3 });
  pixelsOf(y).fill(99);
  await harness.run((ops) => ops.chunkMel({ mel, y }));
  assert.deepEqual([...pixelsOf(y)], [1, 2, 3, 6, 7, 8, 4, 5, 0, 9, 10, 0]);
});

test('flattenTime makes channel-major rows, one a time step, and stops with its output', async () => {
  const size = { chunks: 2, channels: 2, height: 3, width: 2 };
  const x = harness.scope.featureMap('x', size);
  // Every value names its own coordinates: chunk, channel, height, time.
  pixelsOf(x).set(
    Array.from({ length: 24 }, (_, at) => {
      const [n, c, f, t] = [Math.floor(at / 12), Math.floor(at / 6) % 2, Math.floor(at / 2) % 3, at % 2];
      return 1000 * n + 100 * c + 10 * f + t;
    }),
  );
  const y = harness.tensor([3, 6]);
  await harness.run((ops) => ops.flattenTime({ x, y }));
  assert.deepEqual(
    [...y.read()],
    [...[0, 10, 20, 100, 110, 120], ...[1, 11, 21, 101, 111, 121], ...[1000, 1010, 1020, 1100, 1110, 1120]],
  );
});

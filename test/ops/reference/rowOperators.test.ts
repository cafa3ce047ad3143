import { test } from 'node:test';
import { Random } from '../../support/random.js';
import { assertClose, OperatorHarness } from './operatorHarness.js';

const harness = new OperatorHarness();

test('layerNorm: rows of mean 0 and variance 1, then weight and bias', async () => {
  const random = new Random(3);
  for (let round = 0; round < 20; round++) {
    const [rows, size] = [random.integer(1, 4), random.integer(2, 33)];
    const x = random.floats(rows * size, 50).map((value) => value + 1000);
    const weight = random.floats(size);
    const bias = random.floats(size);
    const y = harness.tensor([rows, size]);
    await harness.run((ops) => {
      const vectors = { weight: harness.weight([size], weight), bias: harness.weight([size], bias) };
      ops.layerNorm({ x: harness.tensor([rows, size], x), ...vectors, epsilon: 1e-5, y });
    });
    const expected = Array.from(x, (value, at) => {
      const row = Array.from(x.subarray(at - (at % size), at - (at % size) + size));
      const mean = row.reduce((a, b) => a + b) / size;
      const variance = row.reduce((sum, other) => sum + other ** 2, 0) / size - mean ** 2;
      return ((value - mean) / Math.sqrt(variance + 1e-5)) * weight[at % size]! + bias[at % size]!;
    });
    assertClose(y.read(), expected, 1e-5);
  }
});

test('rmsNorm: rows over their root mean square, epsilon inside the root', async () => {
  const random = new Random(4);
  for (const scale of [1, 1e-3, 100]) {
    const [rows, size] = [3, 17];
    const x = random.floats(rows * size, scale);
    const weight = random.floats(size);
    const y = harness.tensor([rows, size]);
    await harness.run((ops) => {
      const vector = harness.weight([size], weight);
      ops.rmsNorm({ x: harness.tensor([rows, size], x), weight: vector, epsilon: 1e-6, y });
    });
    const expected = Array.from(x, (value, at) => {
      const row = Array.from(x.subarray(at - (at % size), at - (at % size) + size));
      return (value * weight[at % size]!) / Math.hypot(...row, Math.sqrt(1e-6 * size)) / size ** -0.5;
    });
    assertClose(y.read(), expected);
  }
});

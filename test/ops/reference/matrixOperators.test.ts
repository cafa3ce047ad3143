import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../support/random.js';
import { assertClose, OperatorHarness } from './operatorHarness.js';

const harness = new OperatorHarness();

/** x[M,K]·w[N,K]ᵀ, element by element. */
function product(x: Float32Array, w: Float32Array, k: number): number[] {
  const rows = x.length / k;
  const columns = w.length / k;
  return Array.from({ length: rows * columns }, (_, at) => {
    const [m, n] = [Math.floor(at / columns), at % columns];
    return Array.from({ length: k }, (_, i) => x[m * k + i]! * w[n * k + i]!).reduce((a, b) => a + b, 0);
  });
}

/** GELU by its definition x·Φ(x), Φ integrated by the midpoint rule. */
function geluByIntegration(x: number): number {
  const steps = 4000;
  let sum = 0;
  for (let i = 0; i < steps; i++) sum += Math.exp(-(((x * (i + 0.5)) / steps) ** 2) / 2);
  return x * (0.5 + (x * sum) / steps / Math.sqrt(2 * Math.PI));
}

test('linear: bias, GELU and residual in their order, on random shapes', async () => {
  const random = new Random(1);
  for (let round = 0; round < 30; round++) {
    const [m, n, k] = [random.integer(1, 5), random.integer(1, 9), random.integer(1, 23)];
    const x = random.floats(m * k);
    const w = random.floats(n * k);
    const bias = random.floats(n);
    const residual = random.floats(m * n);
    const args = { x: harness.tensor([m, k], x), weight: harness.weight([n, k], w) };
    const plain = harness.tensor([m, n]);
    const full = harness.tensor([m, n]);
    await harness.run((ops) => {
      ops.linear({ ...args, y: plain });
      const extras = {
        bias: harness.weight([n], bias),
        activation: 'gelu' as const,
        residual: harness.tensor([m, n], residual),
      };
      ops.linear({ ...args, ...extras, y: full });
    });
    const expected = product(x, w, k);
    assertClose(plain.read(), expected);
    const finished = expected.map((value, at) => geluByIntegration(value + bias[at % n]!) + residual[at]!);
    assertClose(full.read(), finished);
  }
});

test('linear may add onto its own output', async () => {
  const y = harness.tensor([2, 1], Float32Array.of(10, 20));
  const x = harness.tensor([2, 2], Float32Array.of(1, 2, 3, 4));
  await harness.run((ops) => {
    ops.linear({ x, weight: harness.weight([1, 2], Float32Array.of(1, 1)), residual: y, y });
  });
  assert.deepEqual([...y.read()], [13, 27]);
});

test('weights are widened exactly from bf16 and f16', async () => {
  const x = harness.tensor([1, 1], Float32Array.of(1));
  const y = harness.tensor([1, 6]);
  const bits = (...halves: number[]) => new Uint8Array(Uint16Array.from(halves).buffer);
  const bf16 = harness.stored([6, 1], 'bf16', bits(0x3f80, 0xc040, 0x0080, 0x7f7f, 0x8000, 0x0001));
  await harness.run((ops) => ops.linear({ x, weight: bf16, y }));
  assert.deepEqual([...y.read()], [1, -3, 2 ** -126, (2 - 2 ** -7) * 2 ** 127, 0, 2 ** -133]);
  const f16 = harness.stored([6, 1], 'f16', bits(0x3c00, 0xc200, 0x0400, 0x7bff, 0x8000, 0x0001));
  await harness.run((ops) => ops.linear({ x, weight: f16, y }));
  assert.deepEqual([...y.read()], [1, -3, 2 ** -14, 65504, 0, 2 ** -24]);
});

test('swiglu is silu of the gate times up', async () => {
  const random = new Random(2);
  const [m, n, k] = [3, 7, 13];
  const x = random.floats(m * k, 3);
  const gate = random.floats(n * k);
  const up = random.floats(n * k);
  const y = harness.tensor([m, n]);
  await harness.run((ops) => {
    const weights = { gate: harness.weight([n, k], gate), up: harness.weight([n, k], up) };
    ops.swiglu({ x: harness.tensor([m, k], x), ...weights, y });
  });
  const ups = product(x, up, k);
  // silu(g) = g·σ(g), with σ(g) = (1 + tanh(g/2)) / 2
  const expected = product(x, gate, k).map((g, at) => g * 0.5 * (1 + Math.tanh(g / 2)) * ups[at]!);
  assertClose(y.read(), expected);
});

test('embed copies rows of the table', async () => {
  const y = harness.tensor([3, 2]);
  const table = harness.weight([3, 2], Float32Array.of(1, 2, 3, 4, 5, 6));
  await harness.run((ops) => ops.embed({ ids: harness.integers([2, 0, 2]), table, y }));
  assert.deepEqual([...y.read()], [5, 6, 1, 2, 5, 6]);
});

/** Runs argmaxLinear with K = 1, so that the weights are the logits. */
async function choose(x: readonly number[], logits: readonly number[]) {
  const ids = harness.scope.tensor('ids', [x.length], 'i32');
  const best = harness.tensor([x.length]);
  const logSumExp = harness.tensor([x.length]);
  const weight = harness.weight([logits.length, 1], Float32Array.from(logits));
  const rows = harness.tensor([x.length, 1], Float32Array.from(x));
  await harness.run((ops) => ops.argmaxLinear({ x: rows, weight, ids, best, logSumExp }));
  return { ids: [...ids.readIntegers()], best: [...best.read()], logSumExp: logSumExp.read() };
}

test('argmaxLinear: highest logit, lowest index among equals, stable log-sum-exp', async () => {
  const { ids, best, logSumExp } = await choose([1, -1], [100, 700, -700, 700, -700]);
  assert.deepEqual(ids, [1, 2]);
  assert.deepEqual(best, [700, 700]);
  assertClose(logSumExp, [700 + Math.log(2), 700 + Math.log(2)]);
  const small = await choose([1], [-2, -1, 0.5]);
  assertClose(small.logSumExp, [Math.log(Math.exp(-2) + Math.exp(-1) + Math.exp(0.5))]);
});

test('argmaxLinear: any NaN logit makes best NaN', async () => {
  for (const logits of [
    [NaN, 1, 2],
    [1, NaN, 2],
    [2, 1, NaN],
  ]) {
    assert.ok(Number.isNaN((await choose([1], logits)).best[0]));
  }
  assert.equal((await choose([1], [1, Infinity, 2])).best[0], Infinity);
});

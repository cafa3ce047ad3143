import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cacheLayer } from '../../../src/ops/reference/referenceTensor.js';
import { Random } from '../../support/random.js';
import { assertClose, OperatorHarness } from './operatorHarness.js';

const harness = new OperatorHarness();

/**
 * Attention as one dense matrix: y = softmax(q·kᵀ/√d + mask)·v over all rows, `sees(i, j)` giving the mask and
 * `headOf` the key/value head of a query head.
 */
function denseAttention(
  q: Float32Array,
  k: Float32Array,
  v: Float32Array,
  size: { heads: number; kvHeads: number; headDim: number },
  sees: (i: number, j: number) => boolean,
): number[] {
  const { heads, kvHeads, headDim } = size;
  const rows = q.length / (heads * headDim);
  const keys = k.length / (kvHeads * headDim);
  const result: number[] = [];
  for (let i = 0; i < rows; i++)
    for (let head = 0; head < heads; head++) {
      const kvHead = Math.floor((head * kvHeads) / heads);
      const weights = Array.from({ length: keys }, (_, j) => {
        if (!sees(i, j)) return 0;
        let score = 0;
        for (let d = 0; d < headDim; d++)
          score += q[(i * heads + head) * headDim + d]! * k[(j * kvHeads + kvHead) * headDim + d]!;
        return Math.exp(score / Math.sqrt(headDim));
      });
      const total = weights.reduce((a, b) => a + b);
      for (let d = 0; d < headDim; d++)
        result.push(
          weights.reduce((sum, weight, j) => sum + weight * v[(j * kvHeads + kvHead) * headDim + d]!, 0) /
            total,
        );
    }
  return result;
}

test('windowAttention sees its own window and nothing else', async () => {
  const random = new Random(6);
  for (let round = 0; round < 20; round++) {
    const [tokens, windowTokens, heads] = [
      random.integer(1, 30),
      random.integer(1, 12),
      random.integer(1, 3),
    ];
    const headDim = 2 * random.integer(1, 5);
    const shape = [tokens, heads * headDim];
    const [q, k, v] = [1, 2, 3].map(() => random.floats(tokens * heads * headDim, 2)) as [
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    const y = harness.tensor(shape);
    await harness.run((ops) => {
      const rows = {
        q: harness.tensor(shape, q),
        k: harness.tensor(shape, k),
        v: harness.tensor(shape, v),
      };
      ops.windowAttention({ ...rows, heads, windowTokens, y });
    });
    const sameWindow = (i: number, j: number) =>
      Math.floor(i / windowTokens) === Math.floor(j / windowTokens);
    assertClose(y.read(), denseAttention(q, k, v, { heads, kvHeads: heads, headDim }, sameWindow));
  }
});

test('windowAttention survives scores that overflow exp', async () => {
  const y = harness.tensor([2, 2]);
  const big = harness.tensor([2, 2], Float32Array.of(1e4, 0, 2e4, 0));
  const v = harness.tensor([2, 2], Float32Array.of(1, 2, 3, 4));
  await harness.run((ops) => ops.windowAttention({ q: big, k: big, v, heads: 1, windowTokens: 2, y }));
  assert.deepEqual([...y.read()], [3, 4, 3, 4]);
});

test('rotaryToCache and cachedAttention: two interleaved sequences equal dense causal attention', async () => {
  const random = new Random(7);
  const size = { heads: 6, kvHeads: 2, headDim: 4 };
  const { heads, kvHeads, headDim } = size;
  const capacity = 9;
  const cache = harness.scope.kvCache({ layers: 2, sequences: 2, capacity, kvHeads, headDim });
  const ones = harness.weight([headDim], new Float32Array(headDim).fill(1));
  // Angles of zero: rotation is tested on its own below, this is about rows, heads and masks.
  const cos = harness.tensor([capacity, headDim / 2], new Float32Array((capacity * headDim) / 2).fill(1));
  const sin = harness.tensor([capacity, headDim / 2]);
  const positions = [0, 0, 1, 2, 1, 3];
  const sequences = [0, 1, 0, 0, 1, 0];
  const count = positions.length;
  const q = unitHeads(random.floats(count * heads * headDim), headDim);
  const k = unitHeads(random.floats(count * kvHeads * headDim), headDim);
  const v = random.floats(count * kvHeads * headDim);
  const y = harness.tensor([count, heads * headDim]);
  for (let row = 0; row < count; row++) {
    const rows = {
      count: 1,
      positions: harness.integers([positions[row]!]),
      sequences: harness.integers([sequences[row]!]),
      kind: 'step' as const,
    };
    const slice = (values: Float32Array, width: number) =>
      harness.tensor([1, width], values.subarray(row * width, (row + 1) * width));
    const rotated = harness.tensor([1, heads * headDim]);
    await harness.run((ops) => {
      const inputs = {
        q: slice(q, heads * headDim),
        k: slice(k, kvHeads * headDim),
        v: slice(v, kvHeads * headDim),
      };
      const norms = { qNorm: ones, kNorm: ones, epsilon: 0 };
      ops.rotaryToCache({ ...inputs, ...norms, cos, sin, cache, layer: 1, rows, y: rotated });
      ops.cachedAttention({ q: rotated, cache, layer: 1, rows, y: y.rows(row, row + 1) });
    });
  }
  const sees = (i: number, j: number) => sequences[i] === sequences[j] && positions[j]! <= positions[i]!;
  assertClose(y.read(), denseAttention(q, k, v, size, sees));
  assert.ok(cacheLayer(cache, 0).keys.every((value) => value === 0));
});

test('rotaryToCache normalises each head, then turns its pairs by the row’s angle', async () => {
  const random = new Random(8);
  const [heads, kvHeads, headDim, capacity, count] = [2, 1, 6, 12, 4];
  const half = headDim / 2;
  const cache = harness.scope.kvCache({ layers: 1, sequences: 3, capacity, kvHeads, headDim });
  const q = random.floats(count * heads * headDim, 3);
  const k = random.floats(count * kvHeads * headDim, 3);
  const v = random.floats(count * kvHeads * headDim);
  const qNorm = random.floats(headDim);
  const kNorm = random.floats(headDim);
  const angle = (position: number, i: number) => position / 3 ** i;
  const angles = Float32Array.from({ length: capacity * half }, (_, at) =>
    angle(Math.floor(at / half), at % half),
  );
  const positions = [3, 4, 5, 11];
  const y = harness.tensor([count, heads * headDim]);
  await harness.run((ops) => {
    ops.rotaryToCache({
      q: harness.tensor([count, heads * headDim], q),
      k: harness.tensor([count, kvHeads * headDim], k),
      v: harness.tensor([count, kvHeads * headDim], v),
      qNorm: harness.weight([headDim], qNorm),
      kNorm: harness.weight([headDim], kNorm),
      epsilon: 1e-3,
      cos: harness.tensor([capacity, half], angles.map(Math.cos)),
      sin: harness.tensor([capacity, half], angles.map(Math.sin)),
      cache,
      layer: 0,
      rows: {
        count,
        positions: harness.integers(positions),
        sequences: harness.integers([2, 2, 2, 2]),
        kind: 'prefill',
      },
      y,
    });
  });
  // A pair (a, b) turned by an angle is the complex product (a + bi)·e^(i·angle).
  const turned = (x: Float32Array, weight: Float32Array, row: number) => {
    const meanSquare = x.reduce((sum, value) => sum + value * value, 0) / headDim;
    const normal = Array.from(x, (value, i) => (value / Math.sqrt(meanSquare + 1e-3)) * weight[i]!);
    const polar = Array.from({ length: half }, (_, i) => {
      const phase = Math.atan2(normal[i + half]!, normal[i]!) + angle(positions[row]!, i);
      const radius = Math.hypot(normal[i]!, normal[i + half]!);
      return [radius * Math.cos(phase), radius * Math.sin(phase)] as const;
    });
    return [...polar.map(([real]) => real), ...polar.map(([, imaginary]) => imaginary)];
  };
  const { keys, values } = cacheLayer(cache, 0);
  for (let row = 0; row < count; row++) {
    for (let head = 0; head < heads; head++) {
      const at = (row * heads + head) * headDim;
      const expected = turned(q.subarray(at, at + headDim), qNorm, row);
      assertClose(y.read().subarray(at, at + headDim), expected, 1e-5);
    }
    const stored = (2 * capacity + positions[row]!) * headDim;
    const at = row * headDim;
    const key = turned(k.subarray(at, at + headDim), kNorm, row);
    assertClose(keys.subarray(stored, stored + headDim), key, 1e-5);
    assert.deepEqual(values.subarray(stored, stored + headDim), v.subarray(at, at + headDim));
  }
  assert.ok(keys.subarray(0, 2 * capacity * headDim).every((value) => value === 0));
});

/** Scales every head to a root mean square of 1, so that an RMSNorm with unit weights leaves it as it is. */
function unitHeads(values: Float32Array, headDim: number): Float32Array {
  for (let at = 0; at < values.length; at += headDim) {
    const head = values.subarray(at, at + headDim);
    const size = Math.sqrt(head.reduce((sum, value) => sum + value * value, 0) / headDim);
    for (let i = 0; i < headDim; i++) head[i]! /= size;
  }
  return values;
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../support/random.js';
import { compiledTargets } from './support/compiledBackends.js';
import { bf16Values, OperatorPair } from './support/operatorPair.js';

/** Rows around a tile of a norm, and fewer. */
const ROWS = [1, 2, 3, 5, 7, 8, 9, 16, 17, 40];

for (const target of await compiledTargets()) {
  const { missing } = target;

  test(`layerNorm and rmsNorm on ${target.name}: rows of any number, views of them`, {
    skip: missing,
  }, async () => {
    const pair = new OperatorPair(target.create(2));
    const random = new Random(21);
    for (const m of ROWS) {
      const k = 32 * random.integer(1, 32);
      const x = random.floats((m + 2) * k, 3);
      const [weight, bias] = [random.floats(k, 2), random.floats(k)];
      await pair.agree(`${m}×${k}`, (bench) => {
        const rows = bench.tensor([m + 2, k], 'f32', x).rows(1, m + 1);
        const [w, b] = [bench.weight([k], weight, 'f32'), bench.weight([k], bias, 'f32')];
        const [centred, scaled] = [bench.tensor([m + 2, k], 'operand'), bench.tensor([m + 2, k], 'operand')];
        bench.run((ops) => {
          ops.layerNorm({ x: rows, weight: w, bias: b, epsilon: 1e-5, y: centred.rows(2, m + 2) });
          ops.rmsNorm({ x: rows, weight: w, epsilon: 1e-6, y: scaled.rows(0, m) });
        });
        return [centred, scaled];
      });
    }
    await pair.close();
  });

  test(`layerNorm on ${target.name}: a large mean does not cancel, zeros stay finite`, {
    skip: missing,
  }, async () => {
    const pair = new OperatorPair(target.create(1));
    const random = new Random(22);
    const k = 128;
    const x = Float32Array.from(random.floats(3 * k), (value, i) =>
      i < k ? 1000 + value : i < 2 * k ? 0 : 5,
    );
    const ones = new Float32Array(k).fill(1);
    await pair.agree('three rows', (bench) => {
      const y = bench.tensor([3, k], 'operand');
      const [weight, bias] = [bench.weight([k], ones), bench.weight([k], random.floats(k).fill(0))];
      const rows = bench.tensor([3, k], 'f32', x);
      bench.run((ops) => ops.layerNorm({ x: rows, weight, bias, epsilon: 1e-5, y }));
      return [y];
    });
    await pair.close();
  });

  test(`embed on ${target.name}: any row of a table, of every stored type`, { skip: missing }, async () => {
    const backend = target.create(2);
    const random = new Random(23);
    for (const dtype of ['bf16', 'f32', 'f16'] as const) {
      const [vocab, hidden] = [random.integer(300, 1000), 32 * random.integer(1, 6)];
      // Small integers: exact in all three types.
      const values = Float32Array.from({ length: vocab * hidden }, () => random.integer(-128, 128));
      const table = backend.weight({
        name: 'w',
        shape: [vocab, hidden],
        dtype,
        bytes: stored(values, dtype),
      });
      const scope = backend.createScope('embed');
      const list = [0, vocab - 1, 7, 7, ...Array.from({ length: 20 }, () => random.integer(0, vocab - 1))];
      const ids = scope.tensor('ids', [list.length + 1], 'i32');
      ids.write(Int32Array.of(vocab + 1_000_000, ...list)); // in front of the view: never looked up
      const y = scope.tensor('y', [list.length, hidden], 'f32');
      await backend.plan('embed', (ops) => ops.embed({ ids: ids.rows(1, list.length + 1), table, y })).run();
      const expected = list.flatMap((id) => [...values.subarray(id * hidden, (id + 1) * hidden)]);
      assert.deepEqual([...y.read()], expected);
      scope.release();
    }
    await backend.close();
  });

  test(`embed on ${target.name}: an id outside the table counts as its nearest`, {
    skip: missing,
  }, async () => {
    const pair = new OperatorPair(target.create(1));
    const values = bf16Values(new Random(25), 20 * 32);
    await pair.agree('wild ids', (bench) => {
      const [first, last] = [values.subarray(0, 32), values.subarray(19 * 32)];
      const expected = [first, last, last, last, first].map((row) => bench.tensor([1, 32], 'f32', row));
      const y = bench.tensor([5, 32], 'f32');
      const ids = bench.integers([-1, 20, 1_000_000, 2 ** 31 - 1, -(2 ** 31)]);
      const table = bench.weight([20, 32], values);
      bench.run((ops) => ops.embed({ ids, table, y }));
      return [y, ...expected];
    });
    await pair.close();
  });

  test(`embed on ${target.name}: views without rows do nothing`, { skip: missing }, async () => {
    const pair = new OperatorPair(target.create(1));
    const values = bf16Values(new Random(24), 20 * 32);
    await pair.agree('no rows before, some after', (bench) => {
      const y = bench.tensor([3, 32], 'f32');
      const [ids, table] = [bench.integers([4, 19, 2]), bench.weight([20, 32], values)];
      bench.run((ops) => {
        ops.embed({ ids: ids.rows(0, 0), table, y: y.rows(0, 0) });
        ops.embed({ ids: ids.rows(1, 3), table, y: y.rows(1, 3) });
      });
      return [y];
    });
    await pair.close();
  });
}

/** Little-endian bytes of integers up to 128 in size. */
function stored(values: Float32Array, dtype: 'bf16' | 'f16' | 'f32'): Uint8Array {
  if (dtype === 'f32') return new Uint8Array(values.slice().buffer);
  const words = new Uint32Array(values.slice().buffer);
  const halves = Uint16Array.from(words, (word) => {
    if (dtype === 'bf16' || word === 0) return word >>> 16;
    // f16: one sign bit, five of exponent (bias 15 instead of 127), ten of mantissa.
    return ((word >>> 31) << 15) | ((((word >>> 23) & 0xff) - 112) << 10) | ((word >>> 13) & 0x3ff);
  });
  return new Uint8Array(halves.buffer);
}

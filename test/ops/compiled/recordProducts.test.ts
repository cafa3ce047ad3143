import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createReferenceBackend } from '../../../src/ops/reference/referenceBackend.js';
import { oneLineError } from '../../model/support/oneLineError.js';
import { Random } from '../../support/random.js';
import { compiledTargets } from './support/compiledBackends.js';
import { bf16Values, OperatorPair } from './support/operatorPair.js';

/** Rows on both sides of the change from streams to tiles, and no multiples of a register tile. */
const ROWS = [1, 2, 3, 4, 5, 6, 7, 8, 13, 33, 49, 97, 160];

/** Columns with and without a remainder. */
const COLUMNS = [16, 17, 32, 63, 100, 128, 192, 922];

/** Multiples of 32, as all matrices of the models have. */
const DEPTHS = [32, 64, 96, 128, 416, 512];

function pick<T>(random: Random, list: readonly T[]): T {
  return list[random.integer(0, list.length - 1)]!;
}

for (const target of await compiledTargets()) {
  const { missing } = target;

  test(`linear on ${target.name}: bias, GELU, residual, views of rows, ragged columns`, {
    skip: missing,
  }, async () => {
    const pair = new OperatorPair(target.create(2));
    const random = new Random(11);
    for (let round = 0; round < 120; round++) {
      const m = ROWS[round % ROWS.length]!;
      const [n, k] = [pick(random, COLUMNS), pick(random, DEPTHS)];
      const [x, w] = [bf16Values(random, (m + 3) * k), bf16Values(random, n * k)];
      const bias = random.integer(0, 1) === 1 ? random.floats(n, 4) : null;
      const residual = random.integer(0, 1) === 1 ? random.floats(m * n, 8) : null;
      const activation = random.integer(0, 1) === 1 ? ({ activation: 'gelu' } as const) : {};
      const yDtype = random.integer(0, 1) === 1 ? 'operand' : 'f32';
      const skipped = random.integer(0, 3);
      await pair.agree(`${m}×${n}×${k} from row ${skipped}`, (bench) => {
        const y = bench.tensor([m + 3, n], yDtype);
        const weight = bench.weight([n, k], w);
        const options = {
          ...activation,
          ...(bias === null ? {} : { bias: bench.weight([n], bias, 'f32') }),
          ...(residual === null ? {} : { residual: bench.tensor([m, n], 'f32', residual) }),
        };
        const rows = bench.tensor([m + 3, k], 'operand', x).rows(skipped, skipped + m);
        bench.run((ops) =>
          ops.linear({ x: rows, weight, y: y.rows(3 - skipped, 3 - skipped + m), ...options }),
        );
        return [y];
      });
    }
    await pair.close();
  });

  test(`linear on ${target.name}: a residual that is the output`, { skip: missing }, async () => {
    const pair = new OperatorPair(target.create(3));
    const random = new Random(12);
    for (const m of ROWS) {
      const [n, k] = [32 * random.integer(1, 12), pick(random, DEPTHS)];
      const [x, w, old] = [bf16Values(random, m * k), bf16Values(random, n * k), random.floats(m * n, 8)];
      await pair.agree(`${m}×${n}×${k}`, (bench) => {
        const y = bench.tensor([m, n], 'f32', old);
        const [rows, weight] = [bench.tensor([m, k], 'operand', x), bench.weight([n, k], w)];
        // Twice: what the first pass left is the second one's residual.
        for (let pass = 0; pass < 2; pass++)
          bench.run((ops) => ops.linear({ x: rows, weight, residual: y, y }));
        return [y];
      });
    }
    await pair.close();
  });

  test(`linear on ${target.name}: weights that are stored as f32`, { skip: missing }, async () => {
    const pair = new OperatorPair(target.create(2));
    const random = new Random(13);
    for (const m of [1, 4, 40]) {
      const [n, k] = [48, 96];
      const [x, w] = [bf16Values(random, m * k), bf16Values(random, n * k)];
      await pair.agree(`${m} rows`, (bench) => {
        const y = bench.tensor([m, n], 'f32');
        const rows = bench.tensor([m, k], 'operand', x);
        bench.run((ops) => ops.linear({ x: rows, weight: bench.weight([n, k], w, 'f32'), y }));
        return [y];
      });
    }
    await pair.close();
  });

  test(`swiglu on ${target.name}`, { skip: missing }, async () => {
    const pair = new OperatorPair(target.create(2));
    const random = new Random(14);
    for (const m of ROWS) {
      const [n, k] = [pick(random, COLUMNS), pick(random, DEPTHS)];
      const x = bf16Values(random, m * k);
      const [gate, up] = [bf16Values(random, n * k), bf16Values(random, n * k)];
      await pair.agree(`${m}×${n}×${k}`, (bench) => {
        const y = bench.tensor([m, n], 'operand');
        const weights = { gate: bench.weight([n, k], gate), up: bench.weight([n, k], up) };
        const rows = bench.tensor([m, k], 'operand', x);
        bench.run((ops) => ops.swiglu({ x: rows, ...weights, y }));
        return [y];
      });
    }
    await pair.close();
  });

  test(`argmaxLinear on ${target.name}: best, log-sum-exp and the id of a clear winner`, {
    skip: missing,
  }, async () => {
    const pair = new OperatorPair(target.create(2));
    const random = new Random(15);
    for (const m of [1, 2, 3, 4, 5, 6, 7, 9, 14]) {
      const [n, k] = [pick(random, [16, 33, 100, 922, 4099]), pick(random, [32, 96, 192])];
      const [x, w] = [bf16Values(random, m * k), bf16Values(random, n * k, 0.25)];
      // A row of the weights that points along a row of x wins by far, wherever it stands.
      for (let row = 0; row < m; row++) {
        const winner = pick(random, [0, n - 1, random.integer(0, n - 1)]);
        w.set(x.subarray(row * k, (row + 1) * k), winner * k);
      }
      await pair.agree(`${m}×${n}×${k}`, (bench) => {
        const [best, logSumExp] = [bench.tensor([m], 'f32'), bench.tensor([m], 'f32')];
        const ids = bench.integers(new Array(m).fill(-1));
        const [rows, weight] = [bench.tensor([m, k], 'operand', x), bench.weight([n, k], w)];
        bench.run((ops) => ops.argmaxLinear({ x: rows, weight, ids, best, logSumExp }));
        return [ids, best, logSumExp];
      });
    }
    await pair.close();
  });

  test(`argmaxLinear on ${target.name}: the lowest of equal logits, in one tile and across tiles`, {
    skip: missing,
  }, async () => {
    const backend = target.create(2);
    const scope = backend.createScope('ties');
    const [n, k] = [4099, 64];
    for (const winners of [
      [7, 8],
      [0, 4098],
      [15, 16, 17],
      [2000, 4090, 4098],
    ]) {
      const bits = new Uint16Array(n * k);
      for (const winner of winners) bits.fill(0x3f80, winner * k, (winner + 1) * k); // 1.0
      const bytes = new Uint8Array(bits.buffer);
      const weight = backend.weight({ name: 'w', shape: [n, k], dtype: 'bf16', bytes });
      const x = scope.tensor('x', [1, k], 'operand');
      x.write(new Float32Array(k).fill(1));
      const ids = scope.tensor('ids', [1], 'i32');
      const [best, logSumExp] = [scope.tensor('b', [1], 'f32'), scope.tensor('l', [1], 'f32')];
      await backend.plan('ties', (ops) => ops.argmaxLinear({ x, weight, ids, best, logSumExp })).run();
      assert.deepEqual([...ids.readIntegers()], [winners[0]]);
      assert.equal(best.read()[0], k);
    }
    await backend.close();
  });

  test(`a product on ${target.name} with shapes that its kernels do not have is refused`, {
    skip: missing,
  }, async () => {
    const backend = target.create(1);
    const matrix = (shape: readonly number[]) => {
      const bytes = new Uint8Array(2 * shape[0]! * shape[1]!);
      return () => backend.weight({ name: 'odd.weight', shape, dtype: 'bf16', bytes });
    };
    assert.throws(matrix([64, 40]), oneLineError('unsupported', /odd\.weight: .*multiple of 32.*\[64, 40\]/));
    assert.throws(matrix([8, 64]), oneLineError('unsupported', /odd\.weight.*at least 16.*\[8, 64\]/));
    const [scope, weight] = [backend.createScope('odd'), matrix([40, 64])()];
    const [x, y] = [scope.tensor('x', [2, 64], 'operand'), scope.tensor('y', [2, 40], 'f32')];
    assert.throws(
      () => backend.plan('odd', (ops) => ops.linear({ x, weight, residual: y, y })),
      oneLineError('unsupported', /odd\.weight.*multiple of 16/),
    );
    await backend.close();
  });

  test(`weights on ${target.name} are taken for what they were placed as`, { skip: missing }, async () => {
    const backend = target.create(1);
    const scope = backend.createScope('types');
    const [x, y] = [scope.tensor('x', [2, 64], 'operand'), scope.tensor('y', [2, 64], 'operand')];
    const stream = scope.tensor('stream', [2, 64], 'f32');
    const weight = (name: string, shape: readonly number[], dtype: 'bf16' | 'f32', layout?: 'vector') => {
      const length = shape.reduce((product, size) => product * size, 1);
      const bytes = new Uint8Array(length * (dtype === 'bf16' ? 2 : 4));
      return backend.weight({ name, shape, dtype, bytes }, layout);
    };
    const [gate, up] = [weight('gate', [64, 64], 'bf16'), weight('up', [64, 64], 'f32')];
    const swiglu = () => backend.plan('types', (ops) => ops.swiglu({ x, gate, up, y }));
    // In bf16 both were made the same when they were placed.
    if (target.precision === 'bf16') swiglu();
    else assert.throws(swiglu, oneLineError('unsupported', /^up: expected bf16 as gate, found f32 /));
    const asVector = weight('vector', [64, 64], 'bf16', 'vector');
    assert.throws(
      () => backend.plan('types', (ops) => ops.linear({ x, weight: asVector, y })),
      oneLineError('internal', /^vector: expected a matrix, found vector$/),
    );
    const norm = createReferenceBackend().weight({
      name: 'norm',
      shape: [64],
      dtype: 'f32',
      bytes: new Uint8Array(256),
    });
    assert.throws(
      () => backend.plan('types', (ops) => ops.rmsNorm({ x: stream, weight: norm, epsilon: 1e-6, y })),
      oneLineError('internal', /^norm: expected a vector, found undefined$/),
    );
    await backend.close();
  });
}

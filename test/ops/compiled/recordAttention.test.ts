import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KvCache } from '../../../src/ops/operators.js';
import { oneLineError } from '../../model/support/oneLineError.js';
import { Random } from '../../support/random.js';
import { compiledTargets } from './support/compiledBackends.js';
import { bf16Values, type OperatorBench, OperatorPair } from './support/operatorPair.js';

const EPSILON = 1e-6;

/** One attention layer's sizes. */
interface Size {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
}

/** The rows that go into a cache at once, and the values they bring. */
interface Rows {
  readonly kind: 'prefill' | 'step';
  readonly positions: readonly number[];
  readonly sequences: readonly number[];
  readonly q: Float32Array;
  readonly k: Float32Array;
  readonly v: Float32Array;
}

/** What all rows share. */
interface Tables {
  readonly capacity: number;
  readonly cos: Float32Array;
  readonly sin: Float32Array;
  readonly qNorm: Float32Array;
  readonly kNorm: Float32Array;
}

function makeTables(random: Random, { headDim }: Size, capacity: number): Tables {
  const half = headDim / 2;
  const angles = Float32Array.from({ length: capacity * half }, (_, at) => {
    const [position, pair] = [Math.floor(at / half), at % half];
    return position * 100 ** (-pair / half);
  });
  return {
    capacity,
    cos: angles.map(Math.cos),
    sin: angles.map(Math.sin),
    qNorm: random.floats(headDim, 2),
    kNorm: random.floats(headDim, 2),
  };
}

function makeRows(
  random: Random,
  { heads, kvHeads, headDim }: Size,
  rows: Pick<Rows, 'kind' | 'positions' | 'sequences'>,
): Rows {
  const values = (width: number) => random.floats(rows.positions.length * width * headDim, 2);
  return { ...rows, q: values(heads), k: values(kvHeads), v: values(kvHeads) };
}

/** Consecutive positions of one sequence. */
function prefillRows(random: Random, size: Size, sequence: number, count: number): Rows {
  return makeRows(random, size, {
    kind: 'prefill',
    positions: Array.from({ length: count }, (_, position) => position),
    sequences: new Array(count).fill(sequence),
  });
}

/** Puts rows into a layer of the cache and attends; @returns rotated queries and result. */
function attend(
  bench: OperatorBench,
  { heads, kvHeads, headDim }: Size,
  tables: Tables,
  cache: KvCache,
  layer: number,
  { kind, positions, sequences, q, k, v }: Rows,
) {
  const count = positions.length;
  const queries = [count, heads * headDim];
  const keys = [count, kvHeads * headDim];
  const [rotated, y] = [bench.tensor(queries, 'operand'), bench.tensor(queries, 'operand')];
  const half = [tables.capacity, headDim / 2];
  const args = {
    q: bench.tensor(queries, 'f32', q),
    k: bench.tensor(keys, 'f32', k),
    v: bench.tensor(keys, 'f32', v),
    qNorm: bench.weight([headDim], tables.qNorm, 'f32'),
    kNorm: bench.weight([headDim], tables.kNorm, 'f32'),
    epsilon: EPSILON,
    cos: bench.tensor(half, 'f32', tables.cos),
    sin: bench.tensor(half, 'f32', tables.sin),
  };
  const rows = bench.rows(kind, positions, sequences);
  bench.run((ops) => {
    ops.rotaryToCache({ ...args, cache, layer, rows, y: rotated });
    ops.cachedAttention({ q: rotated, cache, layer, rows, y });
  });
  return { rotated, y, rows };
}

for (const target of await compiledTargets()) {
  const { missing } = target;

  test(`windowAttention on ${target.name}: ragged windows, few tokens, views`, {
    skip: missing,
  }, async () => {
    const pair = new OperatorPair(target.create(2));
    const random = new Random(31);
    // Whole windows, a rest, less than one; the published window is 104 tokens.
    const sizes = [
      [1, 104],
      [7, 104],
      [104, 104],
      [105, 104],
      [143, 104],
      [260, 104],
      [50, 7],
      [33, 1],
      [64, 16],
    ] as const;
    for (const [tokens, windowTokens] of sizes) {
      const [heads, headDim] = [random.integer(1, 3), 32 * random.integer(1, 2)];
      const width = heads * headDim;
      const [q, k, v] = [1, 2, 3].map(() => bf16Values(random, (tokens + 1) * width, 2)) as [
        Float32Array,
        Float32Array,
        Float32Array,
      ];
      await pair.agree(`${tokens} tokens in windows of ${windowTokens}`, (bench) => {
        const rows = (values: Float32Array) =>
          bench.tensor([tokens + 1, width], 'operand', values).rows(1, tokens + 1);
        const y = bench.tensor([tokens + 1, width], 'operand');
        const args = { q: rows(q), k: rows(k), v: rows(v), heads, windowTokens };
        bench.run((ops) => ops.windowAttention({ ...args, y: y.rows(0, tokens) }));
        return [y];
      });
    }
    await pair.close();
  });

  test(`rotaryToCache and cachedAttention on ${target.name}: prefills, then steps of several sequences`, {
    skip: missing,
  }, async () => {
    const pair = new OperatorPair(target.create(2));
    const random = new Random(32);
    for (const [heads, kvHeads, headDim] of [
      [4, 2, 32],
      [6, 2, 64],
      [4, 4, 128],
      [3, 1, 32],
    ] as const) {
      const size = { heads, kvHeads, headDim };
      const tables = makeTables(random, size, 80);
      const lengths = [random.integer(1, 60), 1, random.integer(1, 60)];
      const prefills = lengths.map((count, sequence) => prefillRows(random, size, sequence, count));
      // Three steps, the sequences in another order each time.
      const steps = [
        [0, 1, 2],
        [2, 0, 1],
        [1, 2],
      ].map((sequences, step) =>
        makeRows(random, size, {
          kind: 'step',
          positions: sequences.map(
            (sequence) => lengths[sequence]! + (sequence === 0 ? Math.min(step, 1) : step),
          ),
          sequences,
        }),
      );
      await pair.agree(`${heads} heads, ${kvHeads} for keys, ${headDim} wide`, (bench) => {
        const cache = bench.scope.kvCache({ layers: 2, sequences: 3, capacity: 80, kvHeads, headDim });
        return [...prefills, ...steps].flatMap((rows) => {
          const { rotated, y } = attend(bench, size, tables, cache, 1, rows);
          return [rotated, y];
        });
      });
    }
    await pair.close();
  });

  test(`rotaryToCache and cachedAttention on ${target.name}: places outside the cache are the nearest`, {
    skip: missing,
  }, async () => {
    const pair = new OperatorPair(target.create(2));
    const random = new Random(34);
    const size = { heads: 4, kvHeads: 2, headDim: 32 };
    const capacity = 50;
    const tables = makeTables(random, size, capacity);
    const full = [0, 1, 2].map((sequence) => prefillRows(random, size, sequence, capacity));
    const step = makeRows(random, size, {
      kind: 'step',
      positions: [capacity, -1, 2 ** 31 - 1],
      sequences: [1, -(2 ** 31), 3],
    });
    // Only the first place of a prefill counts for what it sees; the rows are told their own.
    const late = makeRows(random, size, {
      kind: 'prefill',
      positions: [1_000_000, 47, 48],
      sequences: [99, 1, 1],
    });
    await pair.agree('wild places', (bench) => {
      const cache = bench.scope.kvCache({ layers: 1, sequences: 3, capacity, kvHeads: 2, headDim: 32 });
      return [...full, step, late].flatMap((rows) => {
        const { rotated, y } = attend(bench, size, tables, cache, 0, rows);
        return [rotated, y];
      });
    });
    await pair.close();
  });

  test(`cachedAttention on ${target.name}: the last row of a prefill as a step, as the last layer asks for`, {
    skip: missing,
  }, async () => {
    const pair = new OperatorPair(target.create(2));
    const random = new Random(33);
    const size = { heads: 4, kvHeads: 2, headDim: 32 };
    const tables = makeTables(random, size, 200);
    for (const count of [1, 2, 33, 157]) {
      const prefill = prefillRows(random, size, 1, count);
      await pair.agree(`row ${count - 1}`, (bench) => {
        const cache = bench.scope.kvCache({
          layers: 1,
          sequences: 2,
          capacity: 200,
          kvHeads: 2,
          headDim: 32,
        });
        const { rotated, y, rows } = attend(bench, size, tables, cache, 0, prefill);
        const alone = bench.tensor([count, 128], 'operand');
        const last = { count: 1, positions: rows.positions.rows(count - 1, count) };
        const sequences = rows.sequences.rows(count - 1, count);
        bench.run((ops) =>
          ops.cachedAttention({
            q: rotated.rows(count - 1, count),
            cache,
            layer: 0,
            rows: { ...last, sequences, kind: 'step' },
            y: alone.rows(count - 1, count),
          }),
        );
        return [y, alone];
      });
    }
    await pair.close();
  });

  test(`attention on ${target.name} with heads that its kernels do not have is refused`, {
    skip: missing,
  }, async () => {
    const backend = target.create(1);
    const scope = backend.createScope('odd');
    const x = scope.tensor('odd rows', [4, 48], 'operand');
    assert.throws(
      () =>
        backend.plan('odd', (ops) =>
          ops.windowAttention({ q: x, k: x, v: x, heads: 2, windowTokens: 4, y: x }),
        ),
      oneLineError('unsupported', /odd rows: .*multiple of 32.*\[24\]/),
    );
    await backend.close();
  });
}

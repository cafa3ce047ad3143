import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { argmaxReduce, argmaxStream, PARTIAL_BYTES } from '../../../src/kernels/matrix/argmax.js';
import { maxStreamRows } from '../../../src/kernels/matrix/matvec.js';
import { streamColumns } from '../../../src/kernels/matrix/tileShapes.js';
import { MODEL_SHAPES } from '../../../src/kernels/registry/modelShapes.js';
import { Random } from '../../support/random.js';
import { asOperand, type KernelTarget, runKernel, widen } from '../support/kernelHarness.js';
import { kernelTargets } from '../support/kernelTargets.js';
import { operandTypes } from '../support/productCases.js';
import { type Approximate, dot } from '../support/productReference.js';
import type { Dtype } from '../support/productRun.js';
import { randomOperand } from '../support/randomOperand.js';

type Operand = Float32Array | Uint16Array;

/** Product with a head: x [rows, depth], weight [n, depth]. */
interface Head {
  readonly types: readonly [Dtype, Dtype];
  readonly rows: number;
  readonly n: number;
  readonly depth: number;
  readonly columnsPerTile: number;
  readonly x: Operand;
  readonly weight: Operand;
}

interface Choice {
  readonly ids: Int32Array;
  readonly best: Float32Array;
  readonly logSumExp: Float32Array;
}

function specOf({ types, rows, n, depth, columnsPerTile }: Head): ReturnType<typeof argmaxStream> {
  const [aDtype, bDtype] = types;
  const bytes = { f32: 4, bf16: 2 };
  const aStrideBytes = depth * bytes[aDtype];
  const bStrideBytes = depth * bytes[bDtype];
  return argmaxStream({ aDtype, bDtype, rows, n, depth, aStrideBytes, bStrideBytes, columnsPerTile });
}

/** Both kernels, one after the other, the tiles of the first backwards. */
function choose(target: KernelTarget, head: Head): Choice {
  const { rows, n, columnsPerTile } = head;
  const tiles = Math.ceil(n / columnsPerTile);
  const partials = new Float32Array((tiles * rows * PARTIAL_BYTES) / 4);
  const { x, weight } = head;
  runKernel(target, specOf(head), { x, weight, partials }, { order: 'backwards' });
  const choice = {
    ids: new Int32Array(rows),
    best: new Float32Array(rows),
    logSumExp: new Float32Array(rows),
  };
  runKernel(target, argmaxReduce({ rows }), { partials, tiles, ...choice });
  return choice;
}

/** All logits of a row in f64, with their bounds. @param skipped first elements of K that are left out */
function logitsOf(head: Head, row: number, skipped = 0): Approximate[] {
  const { n, depth } = head;
  const x = widen(head.x.slice(row * depth, (row + 1) * depth));
  const weight = widen(head.weight);
  return Array.from({ length: n }, (_, column) =>
    dot(x, weight.subarray(column * depth, (column + 1) * depth), [skipped, depth]),
  );
}

/** The choice in f64, and by how much best and logSumExp may differ from it. */
function reference(logits: readonly Approximate[]): { best: number; logSumExp: number; tolerance: number } {
  const best = logits.reduce((most, { value }) => Math.max(most, value), -Infinity);
  const sum = logits.reduce((total, { value }) => total + Math.exp(value - best), 0);
  const tolerance = logits.reduce((most, logit) => Math.max(most, logit.tolerance), 0);
  return { best, logSumExp: best + Math.log(sum), tolerance };
}

/** Rounding of the exponentials, their sum, the logarithm and the result. */
function logSumExpTolerance(logSumExp: number): number {
  return 4e-6 + 2 ** -22 * Math.abs(logSumExp);
}

function checkChoice(where: string, head: Head, choice: Choice): void {
  for (let row = 0; row < head.rows; row++) {
    const logits = logitsOf(head, row);
    const { best, logSumExp, tolerance } = reference(logits);
    const chosen = logits[choice.ids[row]!]!;
    assert.ok(chosen.value >= best - 2 * tolerance, `${where}: row ${row} chose ${choice.ids[row]}`);
    assert.ok(Math.abs(choice.best[row]! - best) <= tolerance, `${where}: best of row ${row}`);
    const sumTolerance = tolerance + logSumExpTolerance(logSumExp);
    assert.ok(
      Math.abs(choice.logSumExp[row]! - logSumExp) <= sumTolerance,
      `${where}: logSumExp of row ${row}`,
    );
    checkMistakes(where, head, row, choice, logits);
  }
}

/** The same comparison with what wrong kernels would find must fail. */
function checkMistakes(
  where: string,
  head: Head,
  row: number,
  choice: Choice,
  logits: readonly Approximate[],
): void {
  const { n, columnsPerTile } = head;
  const tileStart = n - columnsPerTile;
  const ownStart = columnsPerTile * Math.floor((n - 1) / columnsPerTile);
  const mistakes: Record<string, readonly Approximate[]> = {
    'the first 32 of K are dropped': logitsOf(head, row, 32),
    'the last column is left out': logits.slice(0, -1),
    ...(ownStart > tileStart
      ? { 'overlapping columns count twice': [...logits, ...logits.slice(tileStart, ownStart)] }
      : {}),
  };
  for (const [name, mistaken] of Object.entries(mistakes)) {
    const { logSumExp, tolerance } = reference(mistaken);
    const distance = Math.abs(choice.logSumExp[row]! - logSumExp);
    assert.ok(distance > tolerance + logSumExpTolerance(logSumExp), `${where}: passes although ${name}`);
  }
}

function randomHead(
  random: Random,
  size: Pick<Head, 'types' | 'rows' | 'n' | 'depth' | 'columnsPerTile'>,
): Head {
  const { types, rows, n, depth } = size;
  const seed = random.integer(0, 1e9);
  return {
    ...size,
    x: randomOperand(types[0], rows * depth, seed),
    // Logits of a few units, so that every column has a part in the sum.
    weight: randomOperand(types[1], n * depth, seed + 1, 3 / Math.sqrt(depth)),
  };
}

/** A head whose logit of column c is exactly values[c], for every row. */
function exactHead(values: readonly number[], types: Head['types'], columnsPerTile: number, rows = 1): Head {
  const depth = 32;
  const x = new Float32Array(rows * depth);
  for (let row = 0; row < rows; row++) x[row * depth + 3] = 1;
  const weight = new Float32Array(values.length * depth);
  values.forEach((value, column) => {
    weight[column * depth + 3] = value;
  });
  const [a, b] = types;
  return {
    types,
    rows,
    n: values.length,
    depth,
    columnsPerTile,
    x: asOperand(a, x),
    weight: asOperand(b, weight),
  };
}

describe('argmaxStream and argmaxReduce', async () => {
  for (const target of await kernelTargets()) {
    const mostRows = maxStreamRows(target.capabilities);
    for (const types of operandTypes(target)) {
      const where = `${types.join(' · ')} on ${target.name}`;
      test(`random heads: ${where}`, { skip: target.missing }, () => {
        const random = new Random(5);
        for (let i = 0; i < (target.isSlow ? 2 : 12); i++) {
          const n = target.isSlow ? 45 : random.integer(16, 400);
          const columnsPerTile = Math.min(16 * random.integer(1, 4), n - (n % 16));
          const depth = 32 * random.integer(2, target.isSlow ? 2 : 12);
          const head = randomHead(random, { types, rows: 1 + (i % mostRows), n, depth, columnsPerTile });
          checkChoice(`n = ${n}, ${where}`, head, choose(target, head));
        }
      });

      test(`among equal logits the first is chosen: ${where}`, { skip: target.missing }, () => {
        const n = target.isSlow ? 42 : 922;
        const columnsPerTile = target.isSlow ? 16 : 512;
        const places: readonly (readonly number[])[] = [
          [0, n - 1], // first and last
          [n - 20, n - 3], // both in the overlap of the last tile or behind it
          [5, 6, 21], // neighbouring lanes, and the same lane of another vector
          [columnsPerTile - 1, columnsPerTile], // either side of a tile's end
          [n - 1],
          Array.from({ length: n }, (_, i) => i),
        ];
        for (const equal of places) {
          const values = Array.from({ length: n }, (_, column) =>
            equal.includes(column) ? 2 : -(column % 7),
          );
          const head = exactHead(values, types, columnsPerTile, mostRows);
          const { ids, best } = choose(target, head);
          assert.deepEqual([...ids], new Array(mostRows).fill(equal[0]), `${where}: ${equal.slice(0, 4)}`);
          assert.deepEqual([...best], new Array(mostRows).fill(2));
        }
      });

      test(`a logit that is not finite makes its row's best NaN: ${where}`, { skip: target.missing }, () => {
        const n = 42;
        for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
          for (const column of [0, 17, 31, n - 1]) {
            const values = Array.from({ length: n }, (_, i) => (i === column ? value : i % 5));
            const { best } = choose(target, exactHead(values, types, 16, 1));
            assert.ok(Number.isNaN(best[0]), `${where}: ${value} at ${column} gives ${best[0]}`);
          }
        }
      });

      test(`logits of any size: ${where}`, { skip: target.missing }, () => {
        const cases: readonly (readonly number[])[] = [
          Array.from({ length: 40 }, () => -4096),
          Array.from({ length: 40 }, (_, i) => -65536 * (i + 1)),
          Array.from({ length: 40 }, (_, i) => (i === 33 ? 1024 : -1024)),
          Array.from({ length: 40 }, (_, i) => 78 - 2 * i), // parts of the sum from 1 to e^-78
        ];
        for (const values of cases) {
          const head = exactHead(values, types, 16);
          const { ids, best, logSumExp } = choose(target, head);
          const exact = reference(values.map((value) => ({ value, tolerance: 0 })));
          assert.equal(ids[0], values.indexOf(exact.best));
          assert.equal(best[0], exact.best);
          const error = Math.abs(logSumExp[0]! - exact.logSumExp);
          assert.ok(
            error <= logSumExpTolerance(exact.logSumExp),
            `${where}: ${values.slice(0, 3)}: ${error}`,
          );
        }
      });

      if (target.isSlow || types[1] === 'f32') continue;
      test(`the last tiles of every model's head: ${where}`, { skip: target.missing }, () => {
        for (const { name, decoder } of MODEL_SHAPES)
          checkLastTiles(target, `${name}, ${where}`, types, decoder.vocabulary, decoder.hidden);
      });
    }
  }
});

/** Only the weights of the last three tiles are in memory; the address is that of the whole matrix all the same. */
function checkLastTiles(
  target: KernelTarget,
  where: string,
  types: Head['types'],
  n: number,
  depth: number,
): void {
  const columnsPerTile = streamColumns(n, depth * 2, 2);
  const tiles = Math.ceil(n / columnsPerTile);
  const firstTile = Math.max(0, tiles - 3);
  const firstColumn = Math.min(firstTile * columnsPerTile, n - columnsPerTile);
  const part = randomHead(new Random(n), { types, rows: 1, n: n - firstColumn, depth, columnsPerTile });
  const partials = new Float32Array((tiles * PARTIAL_BYTES) / 4).fill(Number.NaN);
  const head = { ...part, n };
  const weight = { array: part.weight, offsetBytes: -firstColumn * depth * 2 };
  const order = Array.from({ length: tiles - firstTile }, (_, i) => firstTile + i);
  runKernel(target, specOf(head), { x: head.x, weight, partials }, { order });
  const logits = logitsOf(part, 0);
  for (const tile of order) {
    const own = logits.slice(tile * columnsPerTile - firstColumn, (tile + 1) * columnsPerTile - firstColumn);
    const { best, tolerance, logSumExp } = reference(own);
    const [found, column, sum] = partials.subarray(tile * 4, tile * 4 + 3) as unknown as [
      number,
      number,
      number,
    ];
    assert.ok(Math.abs(found - best) <= tolerance, `${where}: best of tile ${tile}`);
    assert.ok(logits[column - firstColumn]!.value >= best - 2 * tolerance, `${where}: column ${column}`);
    assert.ok(column >= tile * columnsPerTile, `${where}: column ${column} of tile ${tile}`);
    const error = Math.abs(found + Math.log(sum) - logSumExp);
    assert.ok(error <= 2 * tolerance + logSumExpTolerance(logSumExp), `${where}: sum of tile ${tile}`);
  }
  const untouched = partials.subarray(0, 4 * firstTile);
  assert.ok(untouched.every(Number.isNaN), `${where}: partials of other tiles were written`);
}

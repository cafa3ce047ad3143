import assert from 'node:assert/strict';
import type { KernelCall, Memory } from '../../../src/kernels/kernel.js';
import type { NormSpec } from '../../../src/kernels/rows/norms.js';
import { Random } from '../../support/random.js';
import { asOperand, type KernelTarget, runCall, widen } from './kernelHarness.js';
import { type Approximate, errorInBounds, halfUlpOfBf16 } from './productReference.js';

/** One row and what belongs to it. */
export interface NormRow {
  readonly x: Float32Array;
  readonly weight: Float32Array;
  readonly bias: Float32Array;
  readonly epsilon: number;
  /** Of the target, because bounds depend on how many elements a lane sums up. */
  readonly lanes: number;
}

/** A norm in f64 with the kernel's bound, element by element; rounding of y apart. */
export type NormReference = (row: NormRow) => readonly Approximate[];

/** What wrong kernels would compute from a row, by the mistake's name. */
export type NormMistakes = Readonly<Record<string, (row: NormRow) => NormRow | readonly Approximate[]>>;

const offByOne = (values: Float32Array): Float32Array => Float32Array.of(...values.subarray(1), values[0]!);

/** Mistakes of any norm. */
const normMistakes: NormMistakes = {
  'epsilon is missing': (row) => ({ ...row, epsilon: 0 }),
  'the weight is off by one': (row) => ({ ...row, weight: offByOne(row.weight) }),
};

/** A call of a norm; one that has no bias leaves it alone. */
export type CallNorm = (
  spec: NormSpec,
  values: Record<'x' | 'y' | 'weight' | 'bias', Memory> & { readonly m: number },
) => KernelCall;

/** Rows of every size: near epsilon, ordinary, large; and far from zero. */
const ROW_SCALES = [1, 1e-3, 300, 2e-3, 0.03] as const;
const ROW_OFFSETS = [0, 0, 1000, 3e-3, 0] as const;

/** Runs a norm on rows of a length and compares all elements with the reference and with its mistakes. */
export function checkNorm(
  target: KernelTarget,
  call: CallNorm,
  size: { length: number; rows: number; rowsPerTile: number; yDtype: 'f32' | 'bf16'; epsilon: number },
  reference: NormReference,
  mistakes: NormMistakes,
): void {
  const { length, rows, rowsPerTile, yDtype, epsilon } = size;
  const random = new Random(length + rows);
  const x = random.floats(rows * length).map((value, i) => {
    const kind = Math.floor(i / length) % ROW_SCALES.length;
    return value * ROW_SCALES[kind]! + ROW_OFFSETS[kind]!;
  });
  const weight = random.floats(length, 2);
  const bias = random.floats(length);
  const y = asOperand(yDtype, new Float32Array(rows * length));
  const spec = { length, epsilon, yDtype, rowsPerTile };
  let name = '';
  const makeCall = ([first, second, third, fourth]: readonly Memory[]): KernelCall => {
    const made = call(spec, { x: first!, y: second!, weight: third!, bias: fourth!, m: rows });
    name = made.kernel.name;
    return made;
  };
  runCall(target, [x, y, weight, bias], makeCall, { order: 'backwards' });

  const found = widen(y);
  const { lanes } = target.capabilities;
  const where = `${name} on ${target.name}`;
  const rowOf = (row: number): NormRow => {
    return { x: x.slice(row * length, (row + 1) * length), weight, bias, epsilon, lanes };
  };
  const errorOf = (row: number, expected: readonly Approximate[]): number =>
    expected.reduce((worst, { value, tolerance }, i) => {
      const rounding = yDtype === 'bf16' ? halfUlpOfBf16(value) : 0;
      const bound = { value, tolerance: tolerance + rounding };
      return Math.max(worst, errorInBounds(found[row * length + i]!, bound));
    }, 0);
  const worstOf = (expected: (row: number) => readonly Approximate[]): number =>
    Array.from({ length: rows }, (_, row) => errorOf(row, expected(row))).reduce((a, b) => Math.max(a, b));

  const error = worstOf((row) => reference(rowOf(row)));
  assert.ok(error <= 1, `${where}: ${error.toFixed(2)} times the bound`);
  if (rows === 1) return; // one row alone does not show every mistake
  const all: NormMistakes = { ...normMistakes, ...mistakes };
  for (const [name, mistake] of Object.entries(all)) {
    const mistaken = worstOf((row) => {
      const result = mistake(rowOf(row));
      return 'x' in result ? reference(result) : result;
    });
    assert.ok(mistaken > 1, `${where}: within the bound although ${name}`);
  }
  const swapped = worstOf((row) => reference(rowOf((row + 1) % rows)));
  assert.ok(swapped > 1, `${where}: within the bound although rows are off by one`);
}

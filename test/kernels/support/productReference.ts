import { erfc } from '../../../src/ops/reference/products.js';

/** The operands of y = epilogue(A·Bᵀ) as f32, exactly as the kernel sees them: already rounded. */
export interface ProductOperands {
  /** Rows of A, each [depth]. */
  readonly a: readonly Float32Array[];
  /** Number of rows of B. */
  readonly n: number;
  /** Row `column` of B, [depth]; of the second weight where there are two. */
  weightRow(column: number, weight: 0 | 1): Float32Array;
  /** [n], or null. */
  readonly bias: Float32Array | null;
  readonly activation: 'none' | 'gelu' | 'swiglu';
  /** [M, n], or null. */
  readonly residual: Float32Array | null;
  /** Product of a row and a column over a range of K, where it is not that of `a` and `weightRow`. */
  readonly product?: (
    row: number,
    column: number,
    weight: 0 | 1,
    range: readonly [number, number],
  ) => Approximate;
  readonly yDtype: 'f32' | 'bf16';
}

/** A wrong kernel to tell apart, as what it would do instead. */
export interface ProductMistake {
  readonly name: string;
  /** Whether it makes a difference here. */
  applies(operands: ProductOperands): boolean;
  /** Elements of K from … to are used. */
  range?(depth: number): readonly [from: number, to: number];
  rowOfA?(row: number, rows: number): number;
  rowOfB?(column: number, n: number): number;
  columnOfBias?(column: number, n: number): number;
  readonly biasScale?: number;
  readonly residualScale?: number;
  readonly activation?: 'none';
  readonly exchangesWeights?: boolean;
}

const always = (): boolean => true;

export const noMistake: ProductMistake = { name: 'no mistake', applies: always };

/** Mistakes that tests of matrix products must notice. */
export const productMistakes: readonly ProductMistake[] = [
  { name: 'the first 32 of K are dropped', applies: always, range: (depth) => [32, depth] },
  { name: 'the last 32 of K are dropped', applies: always, range: (depth) => [0, depth - 32] },
  { name: 'rows of A are off by one', applies: ({ a }) => a.length > 1, rowOfA: (row, m) => (row + 1) % m },
  { name: 'rows of B are off by one', applies: always, rowOfB: (column, n) => (column + 1) % n },
  {
    name: 'the bias is off by one',
    applies: ({ bias }) => bias !== null,
    columnOfBias: (column, n) => (column + 1) % n,
  },
  { name: 'the bias is missing', applies: ({ bias }) => bias !== null, biasScale: 0 },
  { name: 'the residual is missing', applies: ({ residual }) => residual !== null, residualScale: 0 },
  { name: 'the residual is added twice', applies: ({ residual }) => residual !== null, residualScale: 2 },
  { name: 'there is no activation', applies: ({ activation }) => activation !== 'none', activation: 'none' },
  {
    name: 'gate and up are exchanged',
    applies: ({ activation }) => activation === 'swiglu',
    exchangesWeights: true,
  },
];

/** A value in f64, and by how much a kernel may differ from it. */
export interface Approximate {
  readonly value: number;
  readonly tolerance: number;
}

/** One element of y, within the bounds that matmul.ts and vectorMath.ts state. */
export function productElement(
  operands: ProductOperands,
  row: number,
  column: number,
  mistake: ProductMistake = noMistake,
): Approximate {
  const { a, n, bias, residual } = operands;
  const rowOfA = mistake.rowOfA?.(row, a.length) ?? row;
  const x = a[rowOfA]!;
  const rowOfB = mistake.rowOfB?.(column, n) ?? column;
  const range = mistake.range?.(x.length) ?? [0, x.length];
  const product = (weight: 0 | 1): Approximate =>
    operands.product?.(rowOfA, rowOfB, weight, range) ?? dot(x, operands.weightRow(rowOfB, weight), range);
  const exchanged = mistake.exchangesWeights === true;
  let y = product(exchanged ? 1 : 0);
  if (bias !== null) {
    const columnOfBias = mistake.columnOfBias?.(column, n) ?? column;
    y = sum(y, (mistake.biasScale ?? 1) * bias[columnOfBias]!);
  }
  const activation = mistake.activation ?? operands.activation;
  if (activation === 'gelu') y = gelu(y);
  if (activation === 'swiglu') y = gated(y, product(exchanged ? 0 : 1));
  if (residual !== null) y = sum(y, (mistake.residualScale ?? 1) * residual[row * n + column]!);
  const rounding = operands.yDtype === 'bf16' ? halfUlpOfBf16(y.value) : 0;
  return { value: y.value, tolerance: y.tolerance + rounding };
}

/** Within (K + 8)·2⁻²⁴·Σ|a·b|. */
export function dot(a: Float32Array, b: Float32Array, [from, to]: readonly [number, number]): Approximate {
  let value = 0;
  let magnitude = 0;
  for (let k = from; k < to; k++) {
    const term = a[k]! * b[k]!;
    value += term;
    magnitude += Math.abs(term);
  }
  return { value, tolerance: (a.length + 8) * 2 ** -24 * magnitude };
}

/** x + y, y exact. */
function sum(x: Approximate, y: number): Approximate {
  const value = x.value + y;
  return { value, tolerance: x.tolerance + 2 ** -24 * (Math.abs(value) + x.tolerance) };
}

/** Steepest slope of the functions, by which an error of their argument grows. */
const GELU_SLOPE = 1.13;
const SILU_SLOPE = 1.1;

export function exactGelu(x: number): number {
  return (x * erfc(-x * Math.SQRT1_2)) / 2;
}

/** The error of the kernels' GELU itself. */
export function geluTolerance(x: number): number {
  return 2e-7 * Math.max(1, Math.abs(x)) + 2 ** -23 * Math.abs(x);
}

export function exactSilu(x: number): number {
  return x / (1 + Math.exp(-x));
}

function gelu({ value, tolerance }: Approximate): Approximate {
  return { value: exactGelu(value), tolerance: GELU_SLOPE * tolerance + geluTolerance(value) };
}

function gated(gate: Approximate, up: Approximate): Approximate {
  const silu = exactSilu(gate.value);
  const siluTolerance = SILU_SLOPE * gate.tolerance + 2 ** -20 * Math.abs(silu);
  const value = silu * up.value;
  const tolerance =
    (Math.abs(silu) + siluTolerance) * up.tolerance +
    siluTolerance * Math.abs(up.value) +
    2 ** -24 * Math.abs(value);
  return { value, tolerance };
}

/** Half the distance between neighbouring bf16 numbers (8 significant bits) around a value. */
export function halfUlpOfBf16(value: number): number {
  return value === 0 ? 0 : 2 ** (Math.floor(Math.log2(Math.abs(value))) - 8);
}

/** |found − value| in units of what is tolerated; Infinity where something is NaN. */
export function errorInBounds(found: number, { value, tolerance }: Approximate): number {
  const difference = Math.abs(found - value);
  if (Number.isNaN(difference)) return Infinity;
  return difference === 0 ? 0 : difference / tolerance;
}

import { QwenAsrError } from '../../error.js';
import {
  type AffineBlocks,
  COLUMN_ALIGNMENT,
  operandName,
} from '../../kernels/matrix/formats/affineBlocks.js';
import { MEL_BINS } from '../logMelShape.js';
import type { Weight } from '../operators.js';

/** A weight, and how it lies in kernel memory. */
type StoredWeight = Weight & { readonly element: string | AffineBlocks };

/** Elements of a dot product come in steps of this, on the widest target: two vectors of bf16. All Qwen3-ASR matrices fit. */
const DEPTH_STEP = 32;

/** Fewest columns of a product: a tile of the widest target. */
const LEAST_COLUMNS = 16;

/** Elements of a vector of the widest target. */
const LANES = 16;

/** Attention keeps a tile's queries and sums, or those of a group of heads, in scratch memory: at most 0.7 of its 1 MiB. */
const MAX_HEAD_DIM = 1024;
const MAX_HEAD_GROUP = 128;

/** Integers up to it are exact in f32. */
const EXACT_F32 = 2 ** 24;

/*
 * What the kernels take for granted. They do not look themselves: a matrix of another shape would be read past its end.
 */

/** Weights [N, K] of a product. */
export function checkMatrixShape(name: string, shape: readonly number[]): void {
  const [n = 0, k = 0] = shape;
  if (shape.length === 2 && n >= LEAST_COLUMNS && k > 0 && k % DEPTH_STEP === 0) return;
  refuse(name, `[at least ${LEAST_COLUMNS}, a multiple of ${DEPTH_STEP}]`, shape);
}

/** Weights [Cout, Cin, 3, 3] of a convolution; Cin may be 1. */
export function checkConvolutionShape(name: string, shape: readonly number[]): void {
  const [outputs = 0, inputs = 0, height, width] = shape;
  const isWindow = shape.length === 4 && height === 3 && width === 3;
  const isWide = outputs > 0 && outputs % DEPTH_STEP === 0;
  if (isWindow && isWide && (inputs === 1 || (inputs > 0 && inputs % DEPTH_STEP === 0))) return;
  refuse(name, `[a multiple of ${DEPTH_STEP}, 1 or a multiple of ${DEPTH_STEP}, 3, 3]`, shape);
}

/** Rows of whole vectors on the widest target. */
export function checkRowLength(name: string, length: number): void {
  if (length % LANES !== 0) refuse(name, `rows of a multiple of ${LANES}`, [length]);
}

/** The greedy choice counts columns in f32. */
export function checkColumnCount(name: string, shape: readonly number[]): void {
  if (shape[0]! > EXACT_F32) refuse(name, `[at most ${EXACT_F32}, …]`, shape);
}

export function checkMelBins(name: string, bins: number): void {
  if (bins !== MEL_BINS) refuse(name, `${MEL_BINS} mel bins`, [bins]);
}

/** A product of two weights has one kernel for both. */
export function checkSameElement([a, b]: readonly [StoredWeight, StoredWeight]): void {
  if (operandName(a.element) === operandName(b.element)) return;
  throw new QwenAsrError(
    'unsupported',
    `${b.name}: expected ${operandName(a.element)} as ${a.name}, found ${operandName(b.element)} (backend reference takes any)`,
  );
}

/** The last tile of columns overlaps the one before, where N is ragged: what is added to itself would be added twice. */
export function checkInPlaceShape({ name, shape, element }: StoredWeight): void {
  const [n = 0] = shape;
  const step = typeof element === 'string' ? LEAST_COLUMNS : COLUMN_ALIGNMENT;
  if (n % step !== 0) refuse(name, `[a multiple of ${step}, …] under a residual`, shape);
}

export function checkHeadDim(label: string, headDim: number): void {
  if (headDim % DEPTH_STEP !== 0 || headDim > MAX_HEAD_DIM) {
    const expected = `a head dimension that is a multiple of ${DEPTH_STEP} and at most ${MAX_HEAD_DIM}`;
    refuse(label, expected, [headDim]);
  }
}

/** Query heads that share keys and values. */
export function checkHeadGroup(label: string, heads: number): void {
  if (heads > MAX_HEAD_GROUP) refuse(label, `at most ${MAX_HEAD_GROUP} heads to a key`, [heads]);
}

function refuse(name: string, expected: string, shape: readonly number[]): never {
  throw new QwenAsrError(
    'unsupported',
    `${name}: expected ${expected}, found [${shape.join(', ')}] (backend reference takes any)`,
  );
}

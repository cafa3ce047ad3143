import { QwenAsrError } from '../../error.js';

/** Elements of a dot product come in steps of this, on the widest target: two vectors of bf16. All Qwen3-ASR matrices fit. */
const DEPTH_STEP = 32;

/** Fewest columns of a product: a tile of the widest target. */
const LEAST_COLUMNS = 16;

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

/** The last tile of columns overlaps the one before, where N is ragged: what is added to itself would be added twice. */
export function checkInPlaceShape(name: string, shape: readonly number[]): void {
  const [n = 0] = shape;
  if (n % LEAST_COLUMNS !== 0) refuse(name, `[a multiple of ${LEAST_COLUMNS}, …] under a residual`, shape);
}

export function checkHeadDim(label: string, headDim: number): void {
  if (headDim % DEPTH_STEP !== 0)
    refuse(label, `a head dimension that is a multiple of ${DEPTH_STEP}`, [headDim]);
}

function refuse(name: string, expected: string, shape: readonly number[]): never {
  throw new QwenAsrError(
    'unsupported',
    `${name}: expected ${expected}, found [${shape.join(', ')}] (backend reference takes any)`,
  );
}

/** What one query row sees, widened to f32; the rows of keys and values are [headDim] f32. */
export interface SeenRows {
  readonly query: Float32Array;
  readonly keys: readonly Float32Array[];
  readonly values: readonly Float32Array[];
}

/** Attention of one row in f64, and by how much a kernel may differ from it: both [headDim] f64. */
export interface AttentionReference {
  readonly y: Float64Array;
  readonly tolerance: Float64Array;
}

/** Relative errors of what a kernel rounds: half a unit in the last place. */
export interface AttentionRounding {
  /** Of the softmax weights before they meet the values, where they are rounded at all. */
  readonly weights: number;
  readonly y: number;
}

export const f32Rounding: AttentionRounding = { weights: 0, y: 2 ** -24 };
/** Operands in bf16, weights in f32. */
export const bf16Rounding: AttentionRounding = { weights: 0, y: 2 ** -8 };
/** Weights in bf16 too. */
export const pairedRounding: AttentionRounding = { weights: 2 ** -8, y: 2 ** -8 };

/**
 * softmax(query·keysᵀ·scale)·values in f64, and the error bound that the attention kernels state.
 *
 * @param scale of the scores; 1/√headDim unless a test wants it wrong
 */
export function attentionReference(
  { query, keys, values }: SeenRows,
  rounding: AttentionRounding,
  scale = 1 / Math.sqrt(query.length),
): AttentionReference {
  const headDim = query.length;
  let largest = 0; // max Σ|q·k|·scale
  const scores = keys.map((key) => {
    let score = 0;
    let magnitude = 0;
    for (let d = 0; d < headDim; d++) {
      score += query[d]! * key[d]!;
      magnitude += Math.abs(query[d]! * key[d]!);
    }
    largest = Math.max(largest, magnitude * scale);
    return score * scale;
  });
  const highest = scores.reduce((a, b) => Math.max(a, b), -Infinity);
  const weights = scores.map((score) => Math.exp(score - highest));
  const total = weights.reduce((a, b) => a + b, 0);
  const y = new Float64Array(headDim);
  const magnitude = new Float64Array(headDim); // Σ weight·|v|
  for (const [j, value] of values.entries()) {
    const weight = weights[j]! / total;
    for (let d = 0; d < headDim; d++) {
      y[d]! += weight * value[d]!;
      magnitude[d]! += weight * Math.abs(value[d]!);
    }
  }
  const relative = 2 * (headDim + 16) * largest * 2 ** -24 + (keys.length + 24) * 2 ** -23;
  const tolerance = magnitude.map((sum, d) => {
    const value = Math.abs(y[d]!);
    return relative * sum + rounding.weights * (sum + value) + rounding.y * value;
  });
  return { y, tolerance };
}

/** The largest |found − reference| of a row, in units of what is tolerated; Infinity where something is NaN. */
export function attentionError(found: Float32Array, { y, tolerance }: AttentionReference): number {
  let worst = 0;
  for (let d = 0; d < y.length; d++) {
    const error = Math.abs(found[d]! - y[d]!) / tolerance[d]!;
    worst = Math.max(worst, Number.isNaN(error) ? Infinity : error);
  }
  return worst;
}

/** A wrong kernel to tell apart: what it would see instead, and the scale it would use. */
export interface AttentionMistake {
  readonly name: string;
  readonly firstKey?: (first: number) => number;
  readonly endKey?: (end: number) => number;
  readonly scale?: number;
}

/** Mistakes that tests must notice. */
export const attentionMistakes: readonly AttentionMistake[] = [
  { name: 'the first key is dropped', firstKey: (first) => first + 1 },
  { name: 'the last key is dropped', endKey: (end) => end - 1 },
  { name: 'one key too many is seen', endKey: (end) => end + 1 },
  { name: 'the scale is 5 % too large', scale: 1.05 },
];

/** The kernel as it should be. */
export const noMistake: AttentionMistake = { name: 'no mistake' };

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

/** Relative rounding error of an element of y: half a unit in the last place. */
const ROUNDING = { f32: 2 ** -24, bf16: 2 ** -8 } as const;

/**
 * softmax(query·keysᵀ·scale)·values in f64, and the error bound that the attention kernels state.
 *
 * @param scale of the scores; 1/√headDim unless a test wants it wrong
 */
export function attentionReference(
  { query, keys, values }: SeenRows,
  dtype: 'f32' | 'bf16',
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
  const tolerance = new Float64Array(headDim);
  const relative = 2 * (headDim + 16) * largest * 2 ** -24 + (keys.length + 24) * 2 ** -23;
  for (let d = 0; d < headDim; d++) {
    let magnitude = 0;
    weights.forEach((weight, j) => {
      y[d]! += (weight / total) * values[j]![d]!;
      magnitude += (weight / total) * Math.abs(values[j]![d]!);
    });
    tolerance[d] = relative * magnitude + ROUNDING[dtype] * Math.abs(y[d]!);
  }
  return { y, tolerance };
}

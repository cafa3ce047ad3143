/** Rows of keys and values that one query looks at, all of one head. */
export interface AttendedRows {
  /** f32, head rows of `headDim` at `offset`, `offset + stride`, … */
  readonly keys: Float32Array;
  readonly values: Float32Array;
  readonly offset: number;
  readonly stride: number;
  readonly count: number;
}

/**
 * Softmax attention of one query of one head (Vaswani et al., arXiv:1706.03762), in f64:
 * out = Σ softmax(query·keyⱼ / √headDim)ⱼ · valueⱼ.
 *
 * @param query [headDim] f32
 * @param out [headDim] f32
 */
export function attend(query: Float32Array, rows: AttendedRows, out: Float32Array): void {
  const { keys, values, offset, stride, count } = rows;
  const headDim = query.length;
  const scale = 1 / Math.sqrt(headDim);
  const scores = new Float64Array(count);
  let highest = -Infinity;
  for (let j = 0; j < count; j++) {
    let score = 0;
    for (let d = 0; d < headDim; d++) score += query[d]! * keys[offset + j * stride + d]!;
    scores[j] = score * scale;
    highest = Math.max(highest, scores[j]!);
  }
  let total = 0;
  for (let j = 0; j < count; j++) {
    scores[j] = Math.exp(scores[j]! - highest);
    total += scores[j]!;
  }
  for (let d = 0; d < headDim; d++) {
    let sum = 0;
    for (let j = 0; j < count; j++) sum += scores[j]! * values[offset + j * stride + d]!;
    out[d] = sum / total;
  }
}

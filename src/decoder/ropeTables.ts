/** Cosines and sines of the rotation angles of every position. */
export interface RopeTables {
  /** [positions, headDim/2] f32 */
  readonly cos: Float32Array;
  /** [positions, headDim/2] f32 */
  readonly sin: Float32Array;
}

/**
 * RoPE tables: the angle of pair i at position p is p·θ^(−2i/headDim) (Su et al., arXiv:2104.09864), computed in f64 and
 * rounded once. The checkpoints' interleaved MRoPE reduces to this, because its three position rows are equal for audio.
 *
 * @param positions 0…positions−1
 * @param headDim even
 * @param theta 1e6 in the published models
 */
export function ropeTables(positions: number, headDim: number, theta: number): RopeTables {
  const half = headDim / 2;
  const cos = new Float32Array(positions * half);
  const sin = new Float32Array(positions * half);
  for (let i = 0; i < half; i++) {
    const frequency = theta ** (-i / half);
    for (let position = 0; position < positions; position++) {
      cos[position * half + i] = Math.cos(position * frequency);
      sin[position * half + i] = Math.sin(position * frequency);
    }
  }
  return { cos, sin };
}

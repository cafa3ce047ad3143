/** Longest wavelength of the sinusoids is 2π·10000 positions (Vaswani et al., arXiv:1706.03762; Whisper's layout). */
const MAX_TIMESCALE = 10000;

/**
 * Sinusoidal position embeddings in Whisper's layout: row p is [sin(p·fᵢ) | cos(p·fᵢ)], fᵢ = 10000^(−i/(D/2−1)).
 *
 * @param count positions 0…count−1
 * @param dModel D, even and at least 4
 * @returns [count, dModel] f32, computed in f64
 */
export function sinusoidalPositions(count: number, dModel: number): Float32Array {
  const half = dModel / 2;
  const table = new Float32Array(count * dModel);
  for (let i = 0; i < half; i++) {
    const frequency = Math.exp((-Math.log(MAX_TIMESCALE) / (half - 1)) * i);
    for (let position = 0; position < count; position++) {
      table[position * dModel + i] = Math.sin(position * frequency);
      table[position * dModel + half + i] = Math.cos(position * frequency);
    }
  }
  return table;
}

/**
 * Largest magnitude among samples.
 *
 * @param samples [n] f32, finite.
 */
export function peakOf(samples: Float32Array): number {
  let peak = 0;
  for (let i = 0; i < samples.length; i++) peak = Math.max(peak, Math.abs(samples[i]!));
  return peak;
}

/**
 * Divides by the peak of the whole clip, only where it exceeds 1; the clip to [-1, 1] then takes what rounding leaves
 * above.
 *
 * @param samples [n] f32, all of the clip or a part of it.
 * @returns [n] f32; the same array when the peak does not exceed 1.
 */
export function limitPeak(samples: Float32Array, peak: number): Float32Array {
  if (peak <= 1) return samples;
  return samples.map((value) => Math.max(-1, Math.min(1, value / peak)));
}

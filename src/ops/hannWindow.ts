/**
 * Periodic Hann window: w[n] = ½ − ½·cos(2πn / length), as torch.hann_window makes it.
 *
 * @returns [length] f64.
 * @example
 * hannWindow(4); // 0 0.5 1 0.5
 */
export function hannWindow(length: number): Float64Array {
  const window = new Float64Array(length);
  for (let n = 0; n < length; n++) window[n] = 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / length);
  return window;
}

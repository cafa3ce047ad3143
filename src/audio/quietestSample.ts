import { SAMPLE_RATE_HZ } from './audioClip.js';

/** Length of the window whose sum of magnitudes is compared: 100 ms. */
const WINDOW_SAMPLES = SAMPLE_RATE_HZ / 10;

/** Magnitudes are compared in these steps, so that sums of them are exact in f64 and equal windows are equal. */
const STEP = 2 ** -31;

/**
 * The quietest point of a stretch of sound: the window of 100 ms with the least sum of magnitudes, and in it the sample
 * with the least magnitude. Among equal windows (digital silence) the one nearest to `wanted` wins, so that segments keep
 * their length, and among equal samples the one nearest to the window's middle, so that sound on either side of a silence
 * keeps some of it; of two equally near the earlier. A stretch shorter than the window is one window.
 *
 * @param samples [n ≥ 1] f32 in [-1, 1].
 * @param wanted index in the stretch; a window is as near as its middle.
 * @returns index in the stretch.
 */
export function quietestSample(samples: Float32Array, wanted: number): number {
  const magnitudes = new Float64Array(samples.length); // ≤ 2^31; `from` with a function takes many times as long
  for (let i = 0; i < samples.length; i++) magnitudes[i] = Math.round(Math.abs(samples[i]!) / STEP);
  const window = Math.min(WINDOW_SAMPLES, samples.length);
  const start = quietestWindow(magnitudes, window, wanted - window / 2);
  const middle = start + window / 2;
  let best = start;
  for (let i = start; i < start + window; i++) {
    const difference = magnitudes[i]! - magnitudes[best]!;
    if (difference < 0 || (difference === 0 && Math.abs(i - middle) < Math.abs(best - middle))) best = i;
  }
  return best;
}

/** First sample of the window with the least sum; the sums stay below 1600·2^31, exact in f64. */
function quietestWindow(magnitudes: Float64Array, window: number, wantedStart: number): number {
  let sum = 0;
  for (let i = 0; i < window; i++) sum += magnitudes[i]!;
  let least = sum;
  let best = 0;
  for (let start = 1; start + window <= magnitudes.length; start++) {
    sum += magnitudes[start + window - 1]! - magnitudes[start - 1]!;
    if (sum > least) continue;
    if (sum === least && Math.abs(start - wantedStart) >= Math.abs(best - wantedStart)) continue;
    least = sum;
    best = start;
  }
  return best;
}

/*
 * The low-pass filter of the resampler: sinc × Kaiser window, after J. F. Kaiser (1974); the two formulas are those of
 * Oppenheim & Schafer, Discrete-Time Signal Processing, §7.5.
 */

/** Half length of the filter, in samples of the lower of the two rates. */
export const KERNEL_RADIUS = 48;

/** Suppression of what the lower rate cannot hold, and the passband's deviation from 1: 10^(−90/20) = 3.2e-5. */
export const STOPBAND_DB = 90;

/** Kaiser's formula for the window parameter: 8.96. */
const KAISER_BETA = 0.1102 * (STOPBAND_DB - 8.7);

/** Kaiser's formula for the width between passband and stopband, as a fraction of the lower rate: 0.0595. */
const TRANSITION = (STOPBAND_DB - 7.95) / (14.36 * 2 * KERNEL_RADIUS);

/** The passband ends here, as a fraction of the lower rate: 0.4405, which is 7.05 kHz of 16. The stopband begins at 0.5. */
export const PASSBAND_EDGE = 0.5 - TRANSITION;

/** Table entries per sample of the lower rate. Cubic interpolation between them is off by less than 2e-9. */
const STEPS = 128;

/**
 * Tabulates the filter's impulse response h(t), t in samples of the lower rate, and returns a function of |t| that
 * interpolates it (four-point Lagrange). h is 0 from |t| = KERNEL_RADIUS on; its integral is 1 within 1e-4.
 *
 * @example
 * const kernel = sincKernel();
 * kernel(0); // 0.94, twice the cutoff frequency
 */
export function sincKernel(): (distance: number) => number {
  // Entry i holds h((i − 1)/STEPS): the four-point formula reads one entry before and two after.
  const table = Float64Array.from({ length: KERNEL_RADIUS * STEPS + 3 }, (_, i) => response((i - 1) / STEPS));
  return (distance) => {
    if (distance >= KERNEL_RADIUS) return 0;
    const position = distance * STEPS;
    const i = Math.floor(position);
    const x = position - i;
    const a = table[i]!;
    const b = table[i + 1]!;
    const c = table[i + 2]!;
    const d = table[i + 3]!;
    const left = ((x - 1) * (x - 2) * (b * (x + 1) - (a * x) / 3)) / 2;
    const right = (x * (x + 1) * ((d * (x - 1)) / 3 - c * (x - 2))) / 2;
    return left + right;
  };
}

/** h(t) = 2·cutoff·sinc(2·cutoff·t)·I0(β·√(1 − (t/radius)²))/I0(β), the cutoff in the middle of the transition. */
function response(t: number): number {
  const width = 1 - TRANSITION; // 2·cutoff
  const angle = Math.PI * width * t;
  const sinc = t === 0 ? 1 : Math.sin(angle) / angle;
  const square = 1 - (t / KERNEL_RADIUS) ** 2;
  return (width * sinc * besselI0(square * KAISER_BETA ** 2)) / besselI0(KAISER_BETA ** 2);
}

/** The modified Bessel function I0(√square) by its power series; 40 terms reach f64 precision up to square = 100. */
function besselI0(square: number): number {
  let term = 1;
  let sum = 1;
  for (let k = 1; k <= 40; k++) {
    term *= square / (4 * k * k);
    sum += term;
  }
  return sum;
}

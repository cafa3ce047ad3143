/**
 * Largest table of coefficients kept (64 MB). It holds every rate up to 88 kHz and every usual one above; other rates
 * have a row computed each time it is used, about ten times slower.
 */
const MAX_TABLE = 2 ** 23;

/** Outputs of one phase that share a row of coefficients in `eight`. */
export const GROUP = 8;

/**
 * The resampling filter, one row of coefficients for each of the `up` positions that an output can have between two
 * input samples. A row's coefficients sum to 1, so a constant stays that constant exactly.
 */
export class PolyphaseFilter {
  /** Input samples that an output is made of, half of them after its position. */
  readonly taps: number;
  readonly #up: number;
  readonly #down: number;
  readonly #kernel = sincKernel();
  /** [up, taps] f64, filled as phases are used; or one scratch row when that would be too large. */
  readonly #rows: Float64Array;
  /** [up], 1 where a row of the table is filled; empty without a table. */
  readonly #filled: Uint8Array;

  /** The ratio of the output rate to the input rate is up/down, in lowest terms. */
  constructor(up: number, down: number) {
    this.#up = up;
    this.#down = down;
    this.taps = 2 * Math.ceil(KERNEL_RADIUS * Math.max(1, down / up));
    const rows = up * this.taps <= MAX_TABLE ? up : 1;
    this.#rows = new Float64Array(rows * this.taps);
    this.#filled = new Uint8Array(rows === up ? up : 0);
  }

  /** The output at `phase`: the sum over x[start + k]·row[k], in the order of k. */
  one(phase: number, x: Float64Array, start: number): number {
    const rows = this.#rows;
    const row = this.#rowStart(phase);
    const taps = this.taps;
    let sum = 0;
    for (let k = 0; k < taps; k++) sum += rows[row + k]! * x[start + k]!;
    return sum;
  }

  /**
   * The same for the GROUP outputs whose inputs begin at start, start + down, …: written to y[at], y[at + up], … Adds in
   * the same order as `one`, so the results are equal to the last bit; eight independent sums keep the CPU busy.
   */
  eight(phase: number, x: Float64Array, start: number, y: Float32Array, at: number): void {
    const rows = this.#rows;
    const up = this.#up;
    const down = this.#down;
    const end = this.#rowStart(phase) + this.taps;
    let [a, b, c, d, e, f, g, h] = [0, 0, 0, 0, 0, 0, 0, 0];
    for (let k = end - this.taps, i = start; k < end; k++, i++) {
      const weight = rows[k]!;
      a += weight * x[i]!;
      b += weight * x[i + down]!;
      c += weight * x[i + 2 * down]!;
      d += weight * x[i + 3 * down]!;
      e += weight * x[i + 4 * down]!;
      f += weight * x[i + 5 * down]!;
      g += weight * x[i + 6 * down]!;
      h += weight * x[i + 7 * down]!;
    }
    y[at] = a;
    y[at + up] = b;
    y[at + 2 * up] = c;
    y[at + 3 * up] = d;
    y[at + 4 * up] = e;
    y[at + 5 * up] = f;
    y[at + 6 * up] = g;
    y[at + 7 * up] = h;
  }

  #rowStart(phase: number): number {
    if (this.#filled.length === 0) {
      this.#fillRow(phase, 0);
      return 0;
    }
    const start = phase * this.taps;
    if (this.#filled[phase] === 0) this.#fillRow(phase, start);
    this.#filled[phase] = 1;
    return start;
  }

  /** Tap k lies (k + 1 − taps/2) input samples after the one before the output, which is phase/up after that one. */
  #fillRow(phase: number, start: number): void {
    const perInputSample = Math.min(1, this.#up / this.#down); // in samples of the lower rate
    let sum = 0;
    for (let k = 0; k < this.taps; k++) {
      const distance = Math.abs(k + 1 - this.taps / 2 - phase / this.#up);
      const value = this.#kernel(distance * perInputSample);
      this.#rows[start + k] = value;
      sum += value;
    }
    for (let k = 0; k < this.taps; k++) this.#rows[start + k]! /= sum;
  }
}

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

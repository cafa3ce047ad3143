import { KERNEL_RADIUS, sincKernel } from './sincKernel.js';

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

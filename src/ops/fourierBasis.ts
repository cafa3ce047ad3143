import { hannWindow } from './hannWindow.js';
import { FFT_SIZE } from './logMelShape.js';

/**
 * The windowed discrete Fourier transform of FFT_SIZE samples as a matrix: its product with a frame holds the real
 * parts of `bins` frequencies, then their imaginary parts (of opposite sign). Frequencies past FFT_SIZE/2 are zero.
 *
 * @returns [2·bins, FFT_SIZE] f32: window[n]·cos(2πkn/400), then window[n]·sin(2πkn/400), computed in f64.
 * @example
 * const basis = fourierBasis(208); // row 0 is the window, row 208 is zero
 */
export function fourierBasis(bins: number): Float32Array {
  const window = hannWindow(FFT_SIZE);
  const basis = new Float32Array(2 * bins * FFT_SIZE);
  const angles = Float64Array.from(window, (_, step) => (2 * Math.PI * step) / FFT_SIZE);
  const parts = [angles.map(Math.cos), angles.map(Math.sin)];
  parts.forEach((part, i) => {
    for (let k = 0; k <= FFT_SIZE / 2 && k < bins; k++) {
      const row = (i * bins + k) * FFT_SIZE;
      for (let n = 0; n < FFT_SIZE; n++) basis[row + n] = window[n]! * part[(k * n) % FFT_SIZE]!;
    }
  });
  return basis;
}

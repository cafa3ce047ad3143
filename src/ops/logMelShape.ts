/*
 * Sizes of the operator `logMel`. Origin: WhisperFeatureExtractor as the published models configure it
 * (preprocessor_config.json: n_fft 400, hop_length 160, feature_size 128 at 16 kHz).
 */

/** Samples of one analysis frame (25 ms), and the length of its Fourier transform. */
export const FFT_SIZE = 400;

/** Frequencies of a real transform of FFT_SIZE samples: 0, 40, … 8000 Hz. */
export const FFT_BINS = FFT_SIZE / 2 + 1;

/** Samples from one frame to the next (10 ms). */
export const HOP_SAMPLES = 160;

/** Triangular filters between 0 and 8000 Hz. */
export const MEL_BINS = 128;

/** Frames of a clip: the centred transform has one more, which the feature extractor drops. */
export function melFrameCount(sampleCount: number): number {
  return Math.floor(sampleCount / HOP_SAMPLES);
}

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

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

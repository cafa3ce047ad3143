import { QwenAsrError } from '../../error.js';
import { hannWindow } from '../hannWindow.js';
import { FFT_BINS, FFT_SIZE, HOP_SAMPLES, melFrameCount } from '../logMelShape.js';
import { realFft } from './realFft.js';

/** The logarithm's floor, and how far below the clip's loudest cell values are kept (WhisperFeatureExtractor). */
const MIN_ENERGY = 1e-10;
const DYNAMIC_RANGE = 8; // decades

/**
 * Whisper log-mel spectrogram, the meaning of the operator `logMel`:
 * y[m, t] = (max(log10(max(Σ_f filters[m, f]·|STFT[t, f]|², 1e-10)), max over y − 8) + 4) / 4.
 * Frame t is centred on sample 160·t; the clip is mirrored at both ends without repeating the end sample.
 *
 * @param samples [n] f32 at 16 kHz, n > 200 (the mirror needs that many).
 * @param filters [bins, 201] f32, bins = 128 for the published models.
 * @param window [400], the periodic Hann window unless given.
 * @returns [bins, floor(n/160)] f32, row-major. Sums in f64; the logarithm and the result are rounded to f32.
 * @throws QwenAsrError `audio` for a clip that is too short to mirror; `internal` for arrays of a wrong length.
 * @example
 * const mel = logMel(samples, melFilters()); // mel.length / 128 frames
 */
export function logMel(
  samples: Float32Array,
  filters: Float32Array,
  window: Float64Array | Float32Array = hannWindow(FFT_SIZE),
): Float32Array {
  checkLengths(samples, filters, window);
  const frames = melFrameCount(samples.length);
  const bins = filters.length / FFT_BINS;
  const bands = Array.from({ length: bins }, (_, bin) => bandOf(filters, bin));
  const y = new Float32Array(bins * frames); // [bins, frames]
  const transform = realFft(FFT_SIZE);
  const frame = new Float64Array(FFT_SIZE);
  const re = new Float64Array(FFT_BINS);
  const im = new Float64Array(FFT_BINS);
  for (let t = 0; t < frames; t++) {
    readFrame(samples, t * HOP_SAMPLES - FFT_SIZE / 2, window, frame);
    transform(frame, re, im);
    for (let f = 0; f < FFT_BINS; f++) re[f] = re[f]! * re[f]! + im[f]! * im[f]!;
    for (let bin = 0; bin < bins; bin++) {
      const { start, end } = bands[bin]!;
      let energy = 0;
      for (let f = start; f < end; f++) energy += filters[bin * FFT_BINS + f]! * re[f]!;
      y[bin * frames + t] = Math.log10(Math.max(energy, MIN_ENERGY));
    }
  }
  return compress(y);
}

/** frame[n] = window[n]·samples[start + n], mirrored at the ends: −1 reads sample 1, the length reads length − 2. */
function readFrame(
  samples: Float32Array,
  start: number,
  window: Float64Array | Float32Array,
  frame: Float64Array,
): void {
  const last = samples.length - 1;
  for (let n = 0; n < FFT_SIZE; n++) {
    const at = Math.abs(start + n);
    frame[n] = window[n]! * samples[at > last ? 2 * last - at : at]!;
  }
}

/** The frequencies [start, end) where a filter is not zero; each triangle covers only a few. */
function bandOf(filters: Float32Array, bin: number): { start: number; end: number } {
  const row = filters.subarray(bin * FFT_BINS, (bin + 1) * FFT_BINS);
  const start = row.findIndex((weight) => weight !== 0);
  const end = row.findLastIndex((weight) => weight !== 0) + 1;
  return { start: Math.max(start, 0), end };
}

/** In place: raised to the floor below the clip's maximum, then (x + 4) / 4. */
function compress(y: Float32Array): Float32Array {
  let max = Number.NEGATIVE_INFINITY;
  for (const value of y) max = Math.max(max, value);
  const floor = max - DYNAMIC_RANGE;
  for (let i = 0; i < y.length; i++) y[i] = (Math.max(y[i]!, floor) + 4) / 4;
  return y;
}

function checkLengths(
  samples: Float32Array,
  filters: Float32Array,
  window: Float64Array | Float32Array,
): void {
  if (samples.length <= FFT_SIZE / 2) {
    const found = `found ${samples.length}`;
    throw new QwenAsrError('audio', `log-mel: expected more than ${FFT_SIZE / 2} samples, ${found}`);
  }
  if (filters.length % FFT_BINS !== 0 || window.length !== FFT_SIZE) {
    throw new QwenAsrError(
      'internal',
      `log-mel: expected filters [bins, ${FFT_BINS}] and a window of ${FFT_SIZE}, ` +
        `found ${filters.length} and ${window.length} values`,
    );
  }
}

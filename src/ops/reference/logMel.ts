import { QwenAsrError } from '../../error.js';
import { FFT_BINS, FFT_SIZE, HOP_SAMPLES, hannWindow, melFrameCount } from '../logMelShape.js';

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

/** Transforms x [size] f64 into its spectrum: re and im [size/2 + 1] f64. */
export type RealFft = (x: Float64Array, re: Float64Array, im: Float64Array) => void;

/** Complex values as two arrays. */
interface Complex {
  readonly re: Float64Array;
  readonly im: Float64Array;
}

/**
 * Prepares the discrete Fourier transform X[k] = Σ_n x[n]·exp(−2πi·k·n/size) of real frames.
 *
 * The even and odd samples become the real and imaginary parts of a complex sequence of half the length; a mixed-radix
 * Stockham transform (2·2·2·5·5 for a frame of 400) turns that into its spectrum, from which X follows by symmetry.
 * Work per frame: size/2 times the sum of the factors, instead of size²/2.
 *
 * @param size even; the smaller its prime factors, the faster.
 * @returns a function that keeps scratch memory, so calls must not overlap. Agrees with the sum in f64 within 1e-13 of
 * the frame's Σ|x|.
 * @example
 * const re = new Float64Array(3);
 * const im = new Float64Array(3);
 * realFft(4)(Float64Array.of(1, 2, 3, 4), re, im); // re: 10 -2 -2, im: 0 2 0
 */
export function realFft(size: number): RealFft {
  const half = size / 2;
  const roots = unitRoots(size);
  const radices = primeFactors(half);
  const scratch: [Complex, Complex] = [complex(half), complex(half)];
  return (x, re, im) => {
    let [from, to] = scratch;
    for (let n = 0; n < half; n++) {
      from.re[n] = x[2 * n]!;
      from.im[n] = x[2 * n + 1]!;
    }
    let length = 1;
    for (const radix of radices) {
      mergeTransforms(from, to, radix, length, roots);
      [from, to] = [to, from];
      length *= radix;
    }
    separate(from, roots, re, im);
  };
}

/**
 * One Stockham step. `from` holds transforms of `length` samples taken `stride` apart, frequency k of the one that
 * starts at sample q at index k·stride + q; `to` receives transforms of `length·radix` samples in the same order.
 */
function mergeTransforms(from: Complex, to: Complex, radix: number, length: number, roots: Complex): void {
  const { re: fromRe, im: fromIm } = from;
  const { re: toRe, im: toIm } = to;
  const { re: cos, im: sin } = roots;
  const stride = fromRe.length / length;
  const nextStride = stride / radix;
  for (let k = 0; k < length * radix; k++) {
    const source = (k % length) * stride;
    const turn = (2 * k * nextStride) % cos.length; // from one j to the next, in units of 2π/size
    for (let q = 0; q < nextStride; q++) {
      let re = fromRe[source + q]!;
      let im = fromIm[source + q]!;
      for (let j = 1, root = turn, at = source + q + nextStride; j < radix; j++, at += nextStride) {
        const a = fromRe[at]!;
        const b = fromIm[at]!;
        const c = cos[root]!;
        const s = sin[root]!;
        re += a * c - b * s;
        im += a * s + b * c;
        root += turn;
        if (root >= cos.length) root -= cos.length;
      }
      toRe[k * nextStride + q] = re;
      toIm[k * nextStride + q] = im;
    }
  }
}

/** From the transform Z of even + i·odd samples: X[k] = E[k] + exp(−2πi·k/size)·O[k]. */
function separate(z: Complex, roots: Complex, re: Float64Array, im: Float64Array): void {
  const half = z.re.length;
  for (let k = 0; k <= half; k++) {
    const a = k % half;
    const b = (half - k) % half;
    const evenRe = (z.re[a]! + z.re[b]!) / 2;
    const evenIm = (z.im[a]! - z.im[b]!) / 2;
    const oddRe = (z.im[a]! + z.im[b]!) / 2;
    const oddIm = (z.re[b]! - z.re[a]!) / 2;
    re[k] = evenRe + oddRe * roots.re[k]! - oddIm * roots.im[k]!;
    im[k] = evenIm + oddRe * roots.im[k]! + oddIm * roots.re[k]!;
  }
}

/** exp(−2πi·k/size) for k = 0 … size − 1. */
function unitRoots(size: number): Complex {
  const roots = complex(size);
  for (let k = 0; k < size; k++) {
    roots.re[k] = Math.cos((2 * Math.PI * k) / size);
    roots.im[k] = -Math.sin((2 * Math.PI * k) / size);
  }
  return roots;
}

function primeFactors(value: number): number[] {
  const factors: number[] = [];
  for (let factor = 2, rest = value; rest > 1; factor++) {
    for (; rest % factor === 0; rest /= factor) factors.push(factor);
  }
  return factors;
}

function complex(length: number): Complex {
  return { re: new Float64Array(length), im: new Float64Array(length) };
}

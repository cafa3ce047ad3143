import { FFT_BINS, FFT_SIZE, MEL_BINS, melFrameCount } from '../ops/logMelShape.js';
import type { Backend, Observer } from '../ops/operators.js';
import { logMel } from '../ops/reference/logMel.js';
import { SAMPLE_RATE_HZ } from './audioClip.js';
import { checkSamples, padShortClip } from './prepareSamples.js';

/** Log-mel spectrogram. */
export interface Mel {
  /** [128, frames] f32, row-major. */
  readonly data: Float32Array;
  readonly bins: 128;
  readonly frames: number;
}

/**
 * Log-mel spectrogram as the models expect it (WhisperFeatureExtractor with 128 bins, without its padding to 30 s).
 * Clips under 0.5 s are zero-padded to 8000 samples. Values lie between max − 2 and max of the clip, about −1 … 1.5.
 *
 * @param samples [n] f32, mono, 16 kHz, n ≥ 1.
 * @returns [128, floor(n/160)] f32: one column every 10 ms.
 * @throws QwenAsrError `audio` when there are no samples or one of them is not finite.
 * @example
 * const second = Float32Array.from({ length: 16000 }, (_, i) => 0.5 * Math.sin((2 * Math.PI * 440 * i) / 16000));
 * const mel = melSpectrogram(second);
 * console.log(mel.bins, mel.frames); // 128 100
 */
export function melSpectrogram(samples: Float32Array): Mel {
  checkSamples(samples);
  const clip = padShortClip(samples);
  return { data: logMel(clip, melFilters()), bins: MEL_BINS, frames: melFrameCount(clip.length) };
}

/** Log-mel on a backend. */
export class MelStage {
  readonly #backend: Backend;
  /** [128, 201] f32 */
  readonly #filters = melFilters();

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /**
   * Log-mel of one clip; clips under 0.5 s are zero-padded to 8000 samples. Probe: `mel` [128, frames].
   *
   * @param samples [n ≥ 1] f32, mono, 16 kHz
   * @throws QwenAsrError `audio` when there are no samples or one of them is not finite; `aborted`; `closed`
   */
  async run(
    samples: Float32Array,
    options: { signal?: AbortSignal | undefined; observer?: Observer | undefined } = {},
  ): Promise<Mel> {
    checkSamples(samples);
    const clip = padShortClip(samples);
    const frames = melFrameCount(clip.length);
    const scope = this.#backend.createScope('log-mel');
    try {
      const input = scope.tensor('samples', [clip.length], 'f32');
      const filters = scope.tensor('mel filters', [MEL_BINS, FFT_BINS], 'f32');
      const y = scope.tensor('log-mel', [MEL_BINS, frames], 'f32');
      input.write(clip);
      filters.write(this.#filters);
      const pass = this.#backend.plan(
        'log-mel',
        (ops) => {
          ops.logMel({ samples: input, filters, y });
          ops.probe('mel', y);
        },
        options.observer,
      );
      await pass.run(options.signal);
      return { data: y.read(), bins: MEL_BINS, frames };
    } finally {
      scope.release();
    }
  }
}

/*
 * The mel scale of Malcolm Slaney's Auditory Toolbox (1998), librosa's default: linear below 1 kHz, 15 mels up to
 * there, and 27 mels for each factor of 6.4 above.
 */
const LINEAR_HZ_PER_MEL = 200 / 3;
const LOG_START_HZ = 1000;
const LOG_START_MEL = LOG_START_HZ / LINEAR_HZ_PER_MEL;
const MEL_PER_NEPER = 27 / Math.log(6.4);

/**
 * The triangular mel filters of WhisperFeatureExtractor: 128 triangles between 0 and 8000 Hz whose corners are equally
 * spaced on Slaney's mel scale, each scaled to unit area over frequency in Hz ("slaney" normalisation).
 *
 * @returns [128, 201] f32, row-major: weight of frequency f·40 Hz in mel bin m. Computed in f64, rounded once.
 * For example `melFilters()[1 * 201 + 1]` is the weight of 40 Hz in the second bin.
 */
export function melFilters(): Float32Array {
  const filters = new Float32Array(MEL_BINS * FFT_BINS);
  const topMel = melOf(SAMPLE_RATE_HZ / 2);
  const cornerHz = Array.from({ length: MEL_BINS + 2 }, (_, i) => hzOf((topMel * i) / (MEL_BINS + 1)));
  for (let m = 0; m < MEL_BINS; m++) {
    const [lowHz, peakHz, highHz] = [cornerHz[m]!, cornerHz[m + 1]!, cornerHz[m + 2]!];
    const unitArea = 2 / (highHz - lowHz);
    for (let f = 0; f < FFT_BINS; f++) {
      const hz = (f * SAMPLE_RATE_HZ) / FFT_SIZE;
      const rising = (hz - lowHz) / (peakHz - lowHz);
      const falling = (highHz - hz) / (highHz - peakHz);
      filters[m * FFT_BINS + f] = unitArea * Math.max(0, Math.min(rising, falling));
    }
  }
  return filters;
}

function melOf(hz: number): number {
  if (hz < LOG_START_HZ) return hz / LINEAR_HZ_PER_MEL;
  return LOG_START_MEL + MEL_PER_NEPER * Math.log(hz / LOG_START_HZ);
}

function hzOf(mel: number): number {
  if (mel < LOG_START_MEL) return mel * LINEAR_HZ_PER_MEL;
  return LOG_START_HZ * Math.exp((mel - LOG_START_MEL) / MEL_PER_NEPER);
}

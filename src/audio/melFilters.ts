import { FFT_BINS, FFT_SIZE, MEL_BINS } from '../ops/logMelShape.js';
import { SAMPLE_RATE_HZ } from './audioClip.js';

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
 * @example
 * const filters = melFilters();
 * filters[1 * 201 + 1]; // weight of 40 Hz in the second bin
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

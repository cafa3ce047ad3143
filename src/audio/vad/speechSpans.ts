import { makePause } from '../../runtime/nextTurn.js';
import { SAMPLE_RATE_HZ } from '../audioClip.js';
import { loadSileroWeights, SileroVad, VAD_FRAME_SAMPLES } from './sileroVad.js';

/** A stretch of time. */
export interface TimeSpan {
  readonly startMs: number;
  readonly endMs: number;
}

/** Silero's own: speech begins at the first probability and ends below the second. */
const ON = 0.5;
const OFF = 0.35;

const MS_PER_SAMPLE = 1000 / SAMPLE_RATE_HZ;

/**
 * Where somebody speaks in a clip, to 32 ms and without margins: nothing is joined and nothing is too short.
 *
 * @param samples [n] f32, 16 kHz mono, finite
 * @throws QwenAsrError `aborted`
 * @example
 * await speechSpans(clip.samples); // [{ startMs: 224, endMs: 1568 }]
 */
export async function speechSpans(samples: Float32Array, signal?: AbortSignal): Promise<TimeSpan[]> {
  const vad = new SileroVad(await loadSileroWeights());
  const pause = makePause('voice activity: stopped by the caller’s signal', signal);
  const spans: TimeSpan[] = [];
  let open: number | null = null;
  const close = (end: number): void => {
    if (open !== null) spans.push({ startMs: open * MS_PER_SAMPLE, endMs: end * MS_PER_SAMPLE });
    open = null;
  };
  for (let at = 0; at < samples.length; at += VAD_FRAME_SAMPLES) {
    await pause();
    const frame = new Float32Array(VAD_FRAME_SAMPLES);
    frame.set(samples.subarray(at, at + VAD_FRAME_SAMPLES));
    const probability = vad.probability(frame);
    if (probability >= ON) open ??= at;
    else if (probability < OFF) close(at);
  }
  close(samples.length);
  return spans;
}

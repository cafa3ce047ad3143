import { SAMPLE_RATE_HZ } from '../../audio/audioClip.js';
import type { TimeSpan } from '../../audio/vad/speechSpans.js';
import { recordingTime } from '../segmentRecording.js';
import type { HeardPiece } from '../types.js';

const SAMPLES_PER_MS = SAMPLE_RATE_HZ / 1000;

/** Silence stays this long: the model was trained on speech, and long silences put its times astray. */
const LONGEST_SILENCE_MS = 800;

/**
 * A clip with its long silences shortened.
 *
 * @example
 * const spoken = new SpokenClip(clip.samples, await speechSpans(clip.samples));
 * spoken.inRecording(1000, 'start'); // later, by the silence that was cut out before
 */
export class SpokenClip {
  /** [m] f32 */
  readonly samples: Float32Array;
  /** Between speech, in its own time. */
  readonly pauses: readonly TimeSpan[];
  readonly #pieces: readonly HeardPiece[];

  /** @param speech of the clip; without any it stays as it is */
  constructor(samples: Float32Array, speech: readonly TimeSpan[]) {
    this.#pieces = speechPieces(speech, samples.length / SAMPLES_PER_MS);
    const parts = this.#pieces.map(({ startMs, endMs }) =>
      samples.subarray(startMs * SAMPLES_PER_MS, endMs * SAMPLES_PER_MS),
    );
    this.samples = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
    for (const [i, part] of parts.entries()) {
      this.samples.set(part, Math.round(this.#pieces[i]!.atMs * SAMPLES_PER_MS));
    }
    this.pauses = speech.slice(1).map(({ startMs }, i) => ({
      startMs: this.#ownTime(speech[i]!.endMs),
      endMs: this.#ownTime(startMs),
    }));
  }

  /** A time of this clip in the recording. */
  inRecording(ms: number, what: 'start' | 'end'): number {
    return recordingTime(this.#pieces, ms, what);
  }

  #ownTime(ms: number): number {
    const piece = this.#pieces.findLast(({ startMs }) => startMs <= ms) ?? this.#pieces[0]!;
    return piece.atMs + Math.min(ms, piece.endMs) - piece.startMs;
  }
}

/** Speech with half of the longest silence at either side; what touches is one piece. */
function speechPieces(speech: readonly TimeSpan[], durationMs: number): HeardPiece[] {
  const stretches: { startMs: number; endMs: number }[] = [];
  for (const span of speech.length === 0 ? [{ startMs: 0, endMs: durationMs }] : speech) {
    const startMs = Math.max(0, span.startMs - LONGEST_SILENCE_MS / 2);
    const endMs = Math.min(durationMs, span.endMs + LONGEST_SILENCE_MS / 2);
    const last = stretches.at(-1);
    if (last !== undefined && startMs <= last.endMs) last.endMs = endMs;
    else stretches.push({ startMs, endMs });
  }
  let atMs = 0;
  return stretches.map(({ startMs, endMs }) => {
    const piece = { atMs, startMs, endMs };
    atMs += endMs - startMs;
    return piece;
  });
}

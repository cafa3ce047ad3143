import { setTimeout as sleep } from 'node:timers/promises';
import type { SpeechStream, StreamEvent } from '../../transcribe/live/streamTypes.js';
import type { StreamPlan } from '../plan/benchPlan.js';

/** Length of the pieces that audio comes in, in samples at 16 kHz: 100 ms, as microphones bring it. */
const PIECE_SAMPLES = 1600;

const SAMPLES_PER_MS = 16;

/** An event of a stream and when it came, in milliseconds since the recording began to be spoken. */
export interface HeardEvent {
  readonly atMs: number;
  readonly event: StreamEvent;
}

/** What the clock of a recording does. */
interface PlayingClock {
  /** Milliseconds since the recording began. */
  readonly nowMs: number;
  /** Feeds the stream to its end. */
  play(stream: SpeechStream, samples: Float32Array): Promise<void>;
}

/**
 * Plays a recording to a stream as if it were spoken at this moment: by the world's clock, or by one that stands still while
 * nobody computes anything.
 *
 * @param samples [n] f32, 16 kHz mono
 * @param stream opened for 16 kHz, with late steps that take all that has come (`coalesce`); closed in the end
 * @returns every event, with its time
 * @throws QwenAsrError what the transcription has failed with; `memory` when it falls more than a minute behind
 */
export async function playRecording(
  stream: SpeechStream,
  samples: Float32Array,
  { pace }: Pick<StreamPlan, 'pace'>,
  signal?: AbortSignal,
): Promise<HeardEvent[]> {
  const clock = pace === 'simulated' ? new SimulatedClock() : new WorldClock(signal);
  const heard: HeardEvent[] = [];
  const listen = async (): Promise<void> => {
    for await (const event of stream) heard.push({ atMs: clock.nowMs, event });
  };
  try {
    await Promise.all([listen(), clock.play(stream, samples)]);
  } finally {
    await stream.close();
  }
  return heard;
}

/**
 * A clock that goes on by what the engine's work takes, and jumps over the time in which it would have waited for audio. What
 * is spoken while it works waits for it, as it would for a microphone; so 30 s of audio take as long as their steps.
 */
class SimulatedClock implements PlayingClock {
  #beforeMs = 0;
  /** When the engine began what it is doing. */
  #workStartMs: number | null = null;

  get nowMs(): number {
    return this.#beforeMs + (this.#workStartMs === null ? 0 : performance.now() - this.#workStartMs);
  }

  async play(stream: SpeechStream, samples: Float32Array): Promise<void> {
    for (let sent = 0; sent < samples.length; ) {
      let spoken = Math.floor((this.#beforeMs * SAMPLES_PER_MS) / PIECE_SAMPLES) * PIECE_SAMPLES;
      if (spoken <= sent) {
        spoken = sent + PIECE_SAMPLES;
        this.#beforeMs = Math.max(this.#beforeMs, Math.min(spoken, samples.length) / SAMPLES_PER_MS);
      }
      const piece = samples.subarray(sent, spoken);
      sent += piece.length;
      // The stream takes more when all that it has been given is heard, and every step that was due is made.
      await this.#work(() => stream.write(piece));
    }
    await this.#work(() => stream.finish());
  }

  async #work(task: () => Promise<void>): Promise<void> {
    this.#workStartMs = performance.now();
    await task();
    this.#beforeMs = this.nowMs;
    this.#workStartMs = null;
  }
}

/** The time that passes. */
class WorldClock implements PlayingClock {
  readonly #startMs = performance.now();
  readonly #signal: AbortSignal | undefined;

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
  }

  get nowMs(): number {
    return performance.now() - this.#startMs;
  }

  async play(stream: SpeechStream, samples: Float32Array): Promise<void> {
    const written: Promise<void>[] = [];
    for (let sent = 0; sent < samples.length; ) {
      const piece = samples.subarray(sent, sent + PIECE_SAMPLES);
      sent += piece.length;
      const waitMs = sent / SAMPLES_PER_MS - this.nowMs;
      if (waitMs > 0) await sleep(waitMs, undefined, this.#signal && { signal: this.#signal });
      const taken = stream.write(piece); // speech does not wait until it is heard
      taken.catch(() => {});
      written.push(taken);
    }
    await stream.finish();
    await Promise.all(written);
  }
}

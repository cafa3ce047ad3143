import { SAMPLE_RATE_HZ } from '../../audio/audioClip.js';
import { resample } from '../../audio/resample.js';
import { joinTexts } from '../../text/joinTexts.js';
import type { LoadRecording } from './loadRecordings.js';
import { LIVE_RATE_HZ, type LiveEvent, type LiveWanted, RealtimeClient } from './realtimeClient.js';
import type { EarlyEnd, EndedRequest, Outcome } from './runLevel.js';
import type { Endpoint } from './transcriptionClient.js';

/** What a microphone hands over at a time. */
const CHUNK_MS = 100;
const CHUNK_SAMPLES = (LIVE_RATE_HZ * CHUNK_MS) / 1000;

/** Silence behind every recording, in which a server sees that somebody has ended. */
const GAP_MS = 1500;

/** −40 dBFS: speech is louder, and a recording has ended with the last sample that is. */
const SPEECH_LEVEL = 0.01;

/** A recording as live sessions send it: whole chunks, the silence behind it included. */
interface LiveRecording {
  /** PCM in base64. */
  readonly chunks: readonly string[];
  readonly speechEndMs: number;
  readonly durationMs: number;
}

/** A recording that a session has spoken. Times count from the beginning of the level. */
interface Turn {
  readonly recording: number;
  readonly startMs: number;
  /** When the last of its speech was spoken. */
  readonly speechEndMs: number;
  /** In what the session has sent. */
  readonly streamStartMs: number;
  readonly streamEndMs: number;
  /** The longest that one of its chunks was sent after its time. */
  lateMs: number;
}

/** One level of live sessions. */
export interface LiveLevelRun {
  readonly sessions: number;
  readonly endpoint: Endpoint;
  readonly wanted: LiveWanted;
  readonly recordings: readonly LoadRecording[];
  readonly rampMs: number;
  readonly durationMs: number;
  /** The number of a request is that of its recording. */
  readonly onRequest: (request: EndedRequest) => void;
  readonly signal: AbortSignal;
}

/**
 * Lets sessions speak recordings at their own pace, one after the other with silence between, until the time is over. For
 * each recording that was spoken: how long after its last speech its whole text stood, and how long after its beginning
 * the first of it. Both count from when something was spoken, whenever it could be sent.
 */
export async function runLiveLevel(run: LiveLevelRun): Promise<EarlyEnd> {
  const startMs = performance.now();
  const recordings = run.recordings.map(liveRecording);
  const cycleMs = recordings.reduce((sum, { chunks }) => sum + chunks.length * CHUNK_MS, 0);
  const sessions = Array.from({ length: run.sessions }, (_, index) => {
    // Nobody begins in step with another.
    const offsetMs = (index / run.sessions) * Math.min(cycleMs, Math.max(run.rampMs, 1000));
    return new LiveSession(run, recordings, index, () => performance.now() - startMs).speak(offsetMs);
  });
  const connected = await Promise.all(sessions);
  return run.signal.aborted ? 'stopped' : connected.includes(true) ? null : 'gone';
}

class LiveSession {
  readonly #run: LiveLevelRun;
  readonly #recordings: readonly LiveRecording[];
  readonly #index: number;
  readonly #nowMs: () => number;
  readonly #turns: Turn[] = [];

  constructor(run: LiveLevelRun, recordings: readonly LiveRecording[], index: number, nowMs: () => number) {
    this.#run = run;
    this.#recordings = recordings;
    this.#index = index;
    this.#nowMs = nowMs;
  }

  /** @returns whether there was a connection */
  async speak(offsetMs: number): Promise<boolean> {
    const { endpoint, wanted, rampMs, durationMs, signal } = this.#run;
    await this.#sleepUntil(offsetMs);
    if (signal.aborted) return true;
    const client = new RealtimeClient(endpoint, wanted, this.#nowMs);
    const stop = (): void => client.close();
    signal.addEventListener('abort', stop, { once: true });
    await client.ready();
    if (client.failure !== null && !signal.aborted) {
      this.#tellFailure(client);
      return client.failure.failure !== 'connection';
    }
    const startMs = this.#nowMs();
    let streamMs = 0;
    for (let i = this.#index; startMs + streamMs < rampMs + durationMs && client.failure === null; i++) {
      streamMs = await this.#speakOne(client, i % this.#recordings.length, startMs, streamMs);
    }
    // What was said last has its time, too.
    const isDone = (): boolean => this.#turns.every((turn) => this.#textOf(turn, client.events) !== null);
    await client.until(isDone, Math.min(endpoint.timeoutMs, 20_000));
    if (!signal.aborted) for (const turn of this.#turns) this.#tell(turn, client);
    signal.removeEventListener('abort', stop);
    client.close();
    return true;
  }

  async #speakOne(
    client: RealtimeClient,
    recording: number,
    startMs: number,
    streamMs: number,
  ): Promise<number> {
    const { chunks, speechEndMs } = this.#recordings[recording]!;
    const turn: Turn = {
      ...{ recording, startMs: startMs + streamMs, speechEndMs: startMs + streamMs + speechEndMs },
      ...{ streamStartMs: streamMs, streamEndMs: streamMs + chunks.length * CHUNK_MS, lateMs: 0 },
    };
    this.#turns.push(turn);
    for (const [i, chunk] of chunks.entries()) {
      // A microphone has heard all of a chunk before it hands it over.
      const dueMs = turn.startMs + (i + 1) * CHUNK_MS;
      await this.#sleepUntil(dueMs);
      if (client.failure !== null) break;
      turn.lateMs = Math.max(turn.lateMs, this.#nowMs() - dueMs);
      client.append(chunk);
    }
    return turn.streamEndMs;
  }

  async #sleepUntil(atMs: number): Promise<void> {
    const waitMs = atMs - this.#nowMs();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
  }

  /** The text of what was spoken in a turn; null until all segments that began in it are complete. */
  #textOf(
    { streamStartMs, streamEndMs }: Turn,
    events: readonly LiveEvent[],
  ): { readonly text: string; readonly firstMs: number; readonly endMs: number } | null {
    const began = events.filter(({ audioStartMs }) => {
      // A segment may begin a moment before its speech.
      const atMs = audioStartMs === null ? Number.NaN : audioStartMs + GAP_MS / 2;
      return atMs >= streamStartMs && atMs < streamEndMs;
    });
    const ends = began.map(({ item }) =>
      events.find((one) => one.item === item && one.type.endsWith('.completed')),
    );
    if (began.length === 0 || ends.includes(undefined)) return null;
    const items = new Set(began.map(({ item }) => item));
    const first = events.find(({ item, text }) => items.has(item) && text !== null && text !== '');
    const endMs = Math.max(...ends.map((end) => end?.atMs ?? 0));
    return { text: joinTexts(ends.map((end) => end?.text ?? '')), firstMs: first?.atMs ?? endMs, endMs };
  }

  #tell(turn: Turn, client: RealtimeClient): void {
    const found = this.#textOf(turn, client.events);
    const { timeoutMs } = this.#run.endpoint;
    const { failure } = client;
    const lost: Outcome = failure ?? {
      failure: 'timeout',
      status: null,
      detail: `no text within ${Math.min(timeoutMs, 20_000) / 1000} s`,
    };
    const answered = found !== null;
    const intendedMs = turn.speechEndMs;
    this.#run.onRequest({
      ...{ number: turn.recording, client: this.#index, intendedMs, sentMs: intendedMs + turn.lateMs },
      // Text that stands before the last of the speech was not late.
      endMs: Math.max(answered ? found.endMs : this.#nowMs(), intendedMs),
      outcome: answered
        ? {
            ...{ failure: null, text: found.text, language: null },
            // From the beginning of the speech; a request's time would count from its sending.
            firstTextMs: found.firstMs - turn.startMs - turn.lateMs,
          }
        : lost,
    });
  }

  #tellFailure({ failure }: RealtimeClient): void {
    const atMs = this.#nowMs();
    if (failure === null) return;
    const times = {
      intendedMs: Math.max(atMs, this.#run.rampMs),
      sentMs: atMs,
      endMs: Math.max(atMs, this.#run.rampMs),
    };
    this.#run.onRequest({ number: 0, client: this.#index, ...times, outcome: failure });
  }
}

/** A recording at the rate of live sessions, in chunks, with silence behind it. */
function liveRecording({ samples, durationMs }: LoadRecording): LiveRecording {
  const speech = resample(samples, SAMPLE_RATE_HZ, LIVE_RATE_HZ);
  const chunks: string[] = [];
  const count = Math.ceil(speech.length / CHUNK_SAMPLES) + GAP_MS / CHUNK_MS;
  for (let i = 0; i < count; i++) {
    const bytes = Buffer.alloc(2 * CHUNK_SAMPLES);
    for (const [k, sample] of speech.subarray(i * CHUNK_SAMPLES, (i + 1) * CHUNK_SAMPLES).entries()) {
      bytes.writeInt16LE(Math.max(-32_768, Math.min(32_767, Math.round(sample * 32_767))), 2 * k);
    }
    chunks.push(bytes.toString('base64'));
  }
  const last = samples.findLastIndex((sample) => Math.abs(sample) >= SPEECH_LEVEL);
  return { chunks, durationMs, speechEndMs: (1000 * (last + 1)) / SAMPLE_RATE_HZ };
}

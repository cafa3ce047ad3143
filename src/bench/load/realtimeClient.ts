import { WebSocket } from 'ws';
import type { FailureKind } from '../schema/runRecord.js';
import { failureOfStatus, messageOf, parsed } from './readAnswer.js';
import type { Endpoint } from './transcriptionClient.js';

/** What a live session tells, and when. */
export interface LiveEvent {
  readonly atMs: number;
  readonly type: string;
  readonly item: string | null;
  /** Where the segment begins in what was sent; null in other events. */
  readonly audioStartMs: number | null;
  readonly text: string | null;
}

/** Why a session has ended before its time. */
export interface SessionFailure {
  readonly failure: FailureKind;
  readonly status: number | null;
  readonly detail: string;
}

/** What a session is asked for. */
export interface LiveWanted {
  readonly model: string;
  readonly language: string | undefined;
}

/** 24 kHz, 16 bits: what every server of the API takes. */
export const LIVE_RATE_HZ = 24_000;

const ITEM = 'conversation.item.input_audio_transcription';

/** Events of a session that say something of its texts. */
const TOLD = new Set(['input_audio_buffer.speech_started', `${ITEM}.delta`, `${ITEM}.completed`]);

/** A client of `/v1/realtime`: one session of transcription. */
export class RealtimeClient {
  /** In the order in which they came. */
  readonly events: LiveEvent[] = [];
  readonly #socket: WebSocket;
  #failure: SessionFailure | null = null;
  #isReady = false;
  #changed: () => void = () => {};

  constructor({ base, key, timeoutMs }: Endpoint, wanted: LiveWanted, nowMs: () => number) {
    const url = new URL('realtime?intent=transcription', base);
    url.protocol = base.protocol === 'https:' ? 'wss:' : 'ws:';
    this.#socket = new WebSocket(url, {
      handshakeTimeout: timeoutMs,
      perMessageDeflate: false,
      headers: key === null ? {} : { authorization: `Bearer ${key}` },
    });
    this.#socket.on('open', () => this.#send(sessionUpdate(wanted)));
    this.#socket.on('message', (data) => this.#take(String(data), nowMs()));
    this.#socket.on('unexpected-response', (_, answer) => {
      const status = answer.statusCode ?? 0;
      answer.resume();
      this.#fail(failureOfStatus(status), status, `HTTP ${status}`);
    });
    this.#socket.on('error', ({ message, code }: NodeJS.ErrnoException) => {
      this.#fail(this.#isReady ? 'cut' : 'connection', null, code ?? message);
    });
    this.#socket.on('close', (code) =>
      this.#fail(this.#isReady ? 'cut' : 'malformed', null, `closed (${code})`),
    );
  }

  /** Null as long as the session is well. */
  get failure(): SessionFailure | null {
    return this.#failure;
  }

  /** Resolves when the session is set up, or has failed. */
  async ready(): Promise<void> {
    while (!this.#isReady && this.#failure === null) await this.#change();
  }

  /** Resolves when `isDone`, when the session has failed or when the time is over. */
  async until(isDone: () => boolean, timeoutMs: number): Promise<void> {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      this.#changed();
    }, timeoutMs);
    while (!isDone() && this.#failure === null && !isLate) await this.#change();
    clearTimeout(timer);
  }

  /** @param audio PCM in base64 */
  append(audio: string): void {
    this.#send({ type: 'input_audio_buffer.append', audio });
  }

  close(): void {
    this.#failure ??= { failure: 'cut', status: null, detail: 'closed by the client' };
    this.#socket.terminate();
    this.#changed();
  }

  #take(message: string, atMs: number): void {
    const event = parsed(message);
    const type = String(event?.['type'] ?? '');
    if (type === 'session.updated') this.#isReady = true;
    else if (type === 'error' || type === `${ITEM}.failed`) this.#fail('stream_error', null, errorIn(event));
    else if (type === '') this.#fail('malformed', null, message.slice(0, 100));
    else if (TOLD.has(type)) {
      const [start, text] = [event?.['audio_start_ms'], event?.['transcript'] ?? event?.['delta']];
      this.events.push({
        ...{ atMs, type },
        item: typeof event?.['item_id'] === 'string' ? event['item_id'] : null,
        audioStartMs: typeof start === 'number' ? start : null,
        text: typeof text === 'string' ? text : null,
      });
    }
    this.#changed();
  }

  #send(event: object): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(event));
  }

  #fail(failure: FailureKind, status: number | null, detail: string): void {
    this.#failure ??= { failure, status, detail };
    this.#socket.terminate();
    this.#changed();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      const before = this.#changed;
      this.#changed = () => {
        before();
        resolve();
      };
    });
  }
}

function sessionUpdate({ model, language }: LiveWanted): object {
  const transcription = { model, ...(language !== undefined && { language }) };
  const format = { type: 'audio/pcm', rate: LIVE_RATE_HZ };
  const input = { format, transcription, turn_detection: { type: 'server_vad' } };
  return { type: 'session.update', session: { type: 'transcription', audio: { input } } };
}

function errorIn(event: Readonly<Record<string, unknown>> | null): string {
  return String(messageOf(event?.['error']) ?? 'no message').slice(0, 200);
}

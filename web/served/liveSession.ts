import { Resampler } from '../../src/audio/resample.js';
import { askServer } from './askServer.js';
import type { ServedChoices } from './servedPage.js';

/** What `audio/pcm` is in the API. */
const SESSION_RATE_HZ = 24_000;

/** Bytes that wait to be sent: beyond, the connection is slower than speech. */
const MAX_WAITING_BYTES = 2 ** 22;

/** The key is sent as the name of a sub-protocol, which is a token of HTTP (RFC 9110, 5.6.2). */
const SENDABLE = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;

const ITEM = 'conversation.item.input_audio_transcription';

/** A segment of what was spoken, as far as it is known. */
export interface LiveItem {
  readonly id: string;
  startMs: number;
  endMs: number;
  text: string;
  isComplete: boolean;
}

/** What is read of the server's events. */
interface SessionEvent {
  readonly type: string;
  readonly item_id?: string;
  readonly audio_start_ms?: number;
  readonly audio_end_ms?: number;
  readonly delta?: string;
  readonly transcript?: string;
  readonly error?: { readonly message: string };
}

/** A session of `/v1/realtime`: sound in, segments out. */
export class LiveSession {
  /** In the order in which they were spoken. */
  readonly items: LiveItem[] = [];
  /** Resolves when everything has been told; rejects in plain words. */
  readonly ended: Promise<void>;
  readonly #socket: WebSocket;
  readonly #resampler: Resampler;
  readonly #onItem: (item: LiveItem) => void;
  #begin: () => void = () => {};
  #end: () => void = () => {};
  #fail: (error: Error) => void = () => {};
  #isFinishing = false;

  private constructor(socket: WebSocket, sampleRateHz: number, onItem: (item: LiveItem) => void) {
    this.#socket = socket;
    this.#resampler = new Resampler(sampleRateHz, SESSION_RATE_HZ);
    this.#onItem = onItem;
    this.ended = new Promise((resolve, reject) => {
      this.#end = resolve;
      this.#fail = reject;
    });
    this.ended.catch(() => {});
    socket.addEventListener('message', ({ data }) => this.#take(JSON.parse(String(data))));
    socket.addEventListener('close', ({ reason }) => {
      this.#fail(new Error(`the server has ended the session${reason === '' ? '' : `: ${reason}`}`));
    });
  }

  /** @throws Error in plain words when there is no session */
  static async open(
    choices: ServedChoices,
    sampleRateHz: number,
    onItem: (item: LiveItem) => void,
  ): Promise<LiveSession> {
    const { key, model, language, prompt } = choices;
    if (key !== null && !SENDABLE.test(key)) {
      throw new Error('browsers cannot send this key to live sessions: expected letters, digits, - and _');
    }
    // A WebSocket that is refused does not say why.
    await askServer('v1/models', choices);
    const url = new URL('v1/realtime?intent=transcription', location.href);
    url.protocol = url.protocol.replace('http', 'ws');
    const socket = new WebSocket(url, [
      'realtime',
      ...(key === null ? [] : [`openai-insecure-api-key.${key}`]),
    ]);
    const session = new LiveSession(socket, sampleRateHz, onItem);
    const begun = new Promise<void>((resolve) => {
      session.#begin = resolve;
    });
    socket.addEventListener('open', () => {
      const transcription = { model, ...(language !== '' && { language }), ...(prompt !== '' && { prompt }) };
      const input = { transcription, turn_detection: { type: 'server_vad' } };
      session.#send({ type: 'session.update', session: { type: 'transcription', audio: { input } } });
    });
    await Promise.race([begun, session.ended]).catch((error) => {
      throw socket.protocol === '' ? new Error('the server takes no more sessions now') : error;
    });
    return session;
  }

  /** @param samples [any] f32 of the rate that the session was opened with */
  write(samples: Float32Array): void {
    if (this.#isFinishing) return;
    if (this.#socket.bufferedAmount > MAX_WAITING_BYTES) this.#fail(new Error('the connection is too slow'));
    this.#append(this.#resampler.push(samples));
  }

  /** Nothing follows: `ended` resolves once the rest is told. */
  finish(): void {
    if (this.#isFinishing) return;
    this.#append(this.#resampler.flush());
    this.#isFinishing = true;
    // A server answers an update when everything is told that was said before it.
    this.#send({ type: 'session.update', session: { type: 'transcription' } });
  }

  close(): void {
    this.#socket.close();
  }

  #append(samples: Float32Array): void {
    if (samples.length === 0) return;
    const bytes = new DataView(new ArrayBuffer(2 * samples.length));
    samples.forEach((sample, i) => {
      bytes.setInt16(2 * i, Math.round(32_767 * Math.max(-1, Math.min(1, sample))), true);
    });
    const audio = btoa(String.fromCharCode(...new Uint8Array(bytes.buffer)));
    this.#send({ type: 'input_audio_buffer.append', audio });
  }

  #send(event: object): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(event));
  }

  #take(event: SessionEvent): void {
    switch (event.type) {
      case 'session.updated':
        if (this.#isFinishing) this.#end();
        return this.#begin();
      case 'input_audio_buffer.speech_started':
        return this.#change(event, { startMs: event.audio_start_ms ?? 0 });
      case 'input_audio_buffer.speech_stopped':
        return this.#change(event, { endMs: event.audio_end_ms ?? 0 });
      case `${ITEM}.delta`:
        return this.#change(event, { text: this.#itemOf(event).text + (event.delta ?? '') });
      case `${ITEM}.completed`:
        return this.#change(event, { text: event.transcript ?? '', isComplete: true });
      case `${ITEM}.failed`:
      case 'error':
        return this.#fail(new Error(event.error?.message ?? 'the server says no more'));
    }
  }

  #change(event: SessionEvent, changes: Partial<LiveItem>): void {
    const item = this.#itemOf(event);
    Object.assign(item, changes);
    this.#onItem(item);
  }

  #itemOf({ item_id: id = '' }: SessionEvent): LiveItem {
    const known = this.items.find((item) => item.id === id);
    if (known !== undefined) return known;
    const item = { id, startMs: 0, endMs: 0, text: '', isComplete: false };
    this.items.push(item);
    return item;
  }
}

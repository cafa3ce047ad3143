import { randomBytes } from 'node:crypto';
import type { SpeechStream, StreamEvent } from '../../transcribe/live/streamTypes.js';
import type { Aligner, SpeechModel } from '../../transcribe/types.js';
import { ApiError, apiErrorOf, badField } from '../apiError.js';
import { MAX_LIVE_CONTEXT_TOKENS } from '../engine/admittedMemory.js';
import { samplesOf } from './audioFormat.js';
import { type ClientEvent, eventId, HeldEvents, parseEvent } from './clientEvents.js';
import {
  defaultRealtimeOptions,
  type RealtimeOptions,
  readRealtimeOptions,
  sessionObject,
} from './realtimeOptions.js';

/** What a session needs. */
export interface RealtimeContext {
  readonly model: Pick<SpeechModel, 'openStream'>;
  /** Tells when the words of a segment were spoken; null: nobody does. */
  readonly aligner: Aligner | null;
  readonly modelNames: readonly string[];
  /** Sends an event to the client. */
  readonly send: (event: object) => void;
}

/** A segment that has begun and not ended. */
interface OpenItem {
  readonly id: string;
  readonly segment: number;
  hasText: boolean;
}

/** A stream of the library and what came of it. */
interface OpenStream {
  readonly stream: SpeechStream;
  /** Nothing more was written since the client committed. */
  isCommitted: boolean;
}

/** The longest audio of one event, in base64: half a minute. */
const MAX_AUDIO_CHARACTERS = 2 ** 21;

/**
 * One client of `/v1/realtime`: its events in, ours out. A stream of the library is opened with the first audio, and
 * another one once the session's options have changed: when `session.updated` is sent, everything is told that was said
 * before the update.
 */
export class RealtimeSession {
  readonly #context: RealtimeContext;
  readonly #id = newId('sess');
  #options: RealtimeOptions;
  #open: OpenStream | undefined;
  /** Streams that have something to tell, and when they have told it. */
  readonly #streams = new Map<SpeechStream, Promise<void>>();
  /** What was said before an update is being told: what comes meanwhile waits. */
  #isUpdating = false;
  readonly #held = new HeldEvents();
  #item: OpenItem | undefined;
  #previousItemId: string | null = null;
  /** Milliseconds of the streams before. */
  #offsetMs = 0;
  #stopping = false;
  #closed = false;

  constructor(context: RealtimeContext) {
    this.#context = context;
    this.#options = defaultRealtimeOptions(context.modelNames[0]!);
    this.#send('session.created', { session: sessionObject(this.#id, this.#options) });
  }

  /** Takes a message of the client. What is wrong with it is told as an event, and the session goes on. */
  take(message: unknown): void {
    let event: ClientEvent = {};
    try {
      event = parseEvent(message);
      if (!this.#isUpdating) this.#carryOut(event);
      else this.#held.hold(event, String(message).length);
    } catch (error) {
      this.#fail(error, eventId(event));
    }
  }

  /** The client has left. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#streams.keys()].map((stream) => stream.close()));
  }

  /** Everything that was written is told, and then nothing more: the server stops. */
  async finish(): Promise<void> {
    this.#stopping = true;
    await this.#endStream();
    await Promise.all(this.#streams.values());
    this.#closed = true;
  }

  #carryOut(event: ClientEvent): void {
    switch (event['type']) {
      case 'session.update':
        return this.#update(event['session']);
      case 'input_audio_buffer.append':
        return this.#append(event['audio']);
      case 'input_audio_buffer.commit':
        return this.#commit();
      case 'input_audio_buffer.clear':
        this.#open?.stream.clear();
        this.#item = undefined;
        return this.#send('input_audio_buffer.cleared', {});
      default: {
        const found = typeof event['type'] === 'string' ? JSON.stringify(event['type'].slice(0, 60)) : 'none';
        throw badField('type', `expected an event of a transcription session, found ${found}`);
      }
    }
  }

  #update(session: unknown): void {
    const options = readRealtimeOptions(this.#options, session, this.#context.modelNames);
    void this.#openWith(options).close(); // refuses now what the model cannot do
    const change = (): void => {
      this.#options = options;
      this.#send('session.updated', { session: sessionObject(this.#id, this.#options) });
    };
    if (this.#streams.size === 0) return change();
    this.#isUpdating = true;
    void this.#endStream()
      .then(() => Promise.all(this.#streams.values()))
      .then(() => {
        change();
        this.#goOn();
      });
  }

  /** Carries out what came during an update, up to the next one. */
  #goOn(): void {
    this.#isUpdating = false;
    while (!this.#isUpdating && !this.#closed) {
      const event = this.#held.next();
      if (event === undefined) return;
      try {
        this.#carryOut(event);
      } catch (error) {
        this.#fail(error, eventId(event));
      }
    }
  }

  #append(audio: unknown): void {
    if (typeof audio !== 'string' || !/^[A-Za-z0-9+/]*={0,2}$/.test(audio))
      throw badField('audio', 'expected base64');
    if (audio.length > MAX_AUDIO_CHARACTERS) {
      throw badField('audio', `expected at most ${MAX_AUDIO_CHARACTERS} characters`);
    }
    const samples = samplesOf(Buffer.from(audio, 'base64'), this.#options.format);
    if (samples.length === 0) return;
    if (this.#stopping) throw new ApiError(503, 'the server is shutting down', { reason: 'shutting_down' });
    this.#open ??= this.#begin();
    this.#open.isCommitted = false;
    this.#open.stream.write(samples).catch((error) => this.#fail(error, null));
  }

  #commit(): void {
    if (this.#open === undefined || this.#open.isCommitted) {
      throw new ApiError(400, 'expected audio before it is committed, found none', {
        reason: 'input_audio_buffer_commit_empty',
      });
    }
    this.#open.isCommitted = true;
    this.#open.stream.endSegment();
  }

  #begin(): OpenStream {
    const stream = this.#openWith(this.#options);
    const told = this.#tell(stream, this.#offsetMs).finally(() => this.#streams.delete(stream));
    this.#streams.set(stream, told);
    return { stream, isCommitted: false };
  }

  #openWith({ format, language, prompt, vad }: RealtimeOptions): SpeechStream {
    const { model, aligner } = this.#context;
    return model.openStream({
      sampleRateHz: format.rateHz,
      ...(aligner !== null && { timestamps: 'word', aligner }),
      vad: vad ?? false,
      ...(language !== undefined && { language }),
      ...(prompt !== undefined && { context: prompt, maxContextTokens: MAX_LIVE_CONTEXT_TOKENS }),
    });
  }

  async #endStream(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await open?.stream.finish().catch((error) => this.#fail(error, null));
  }

  async #tell(stream: SpeechStream, offsetMs: number): Promise<void> {
    try {
      for await (const event of stream) {
        this.#tellStep(event, offsetMs);
        this.#offsetMs = offsetMs + event.audioMs;
      }
    } catch (error) {
      const item = this.#item;
      if (item === undefined) this.#fail(error, null);
      else {
        const { error: facts } = apiErrorOf(error).toJSON();
        this.#send(`${ITEM}.input_audio_transcription.failed`, { ...place(item), error: facts });
      }
      this.#item = undefined;
      if (this.#open?.stream === stream) this.#open = undefined;
    }
  }

  #tellStep(event: StreamEvent, offsetMs: number): void {
    const { committed, segment, segmentStartMs, segmentText } = event;
    if (this.#item === undefined || this.#item.segment !== segment) {
      this.#item = { id: newId('item'), segment, hasText: false };
      const started = { audio_start_ms: Math.round(offsetMs + segmentStartMs), item_id: this.#item.id };
      if (this.#options.vad !== null) this.#send('input_audio_buffer.speech_started', started);
    }
    const item = this.#item;
    // What separates segments in one text belongs to none of them.
    const delta = item.hasText ? committed : committed.trimStart();
    if (delta !== '') {
      item.hasText = true;
      this.#send(`${ITEM}.input_audio_transcription.delta`, { ...place(item), delta });
    }
    if (segmentText !== null) this.#tellEnd(item, segmentText, event, offsetMs);
  }

  #tellEnd(
    { id }: OpenItem,
    transcript: string,
    { segmentStartMs, audioMs, speechEndMs, words }: StreamEvent,
    offsetMs: number,
  ): void {
    if (this.#options.vad !== null) {
      const audio_end_ms = Math.round(offsetMs + (speechEndMs ?? audioMs));
      this.#send('input_audio_buffer.speech_stopped', { audio_end_ms, item_id: id });
    }
    const previous = { previous_item_id: this.#previousItemId };
    const content = [{ type: 'input_audio', transcript }];
    const item = { id, type: 'message', object: 'realtime.item', status: 'completed', role: 'user', content };
    this.#send('input_audio_buffer.committed', { ...previous, item_id: id });
    this.#send(`${ITEM}.added`, { ...previous, item });
    this.#send(`${ITEM}.done`, { ...previous, item });
    const seconds = (ms: number): number => (offsetMs + ms) / 1000;
    this.#send(`${ITEM}.input_audio_transcription.completed`, {
      item_id: id,
      content_index: 0,
      transcript,
      ...(words !== undefined && {
        words: words.map(({ text, startMs, endMs }) => ({
          word: text,
          start: seconds(startMs),
          end: seconds(endMs),
        })),
      }),
      usage: { type: 'duration', seconds: (audioMs - segmentStartMs) / 1000 },
    });
    this.#previousItemId = id;
    this.#item = undefined;
  }

  #fail(error: unknown, eventId: string | null): void {
    const { error: facts } = apiErrorOf(error).toJSON();
    this.#send('error', { error: { ...facts, event_id: eventId } });
  }

  #send(type: string, fields: object): void {
    if (!this.#closed) this.#context.send({ type, event_id: newId('event'), ...fields });
  }
}

const ITEM = 'conversation.item';

function place({ id }: OpenItem) {
  return { item_id: id, content_index: 0 };
}

function newId(kind: string): string {
  return `${kind}_${randomBytes(12).toString('hex')}`;
}

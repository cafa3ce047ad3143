import type { RunRecord } from '../../src/bench/schema/runRecord.js';
import type {
  AlignerInfo,
  ErrorCode,
  ModelInfo,
  SegmentToken,
  StreamEvent,
  TranscriptSegment,
} from '../../src/browser.js';
import { QwenAsrError } from '../../src/error.js';
import type { HubModel } from './hubStorage.js';
import type { EngineEvent, EngineRequest, HubOrder, ModelSource, Speech } from './messages.js';

interface TranscribeCall extends Speech {
  /** Tokens of segments that are decoded side by side alternate. */
  readonly onToken: (token: SegmentToken) => void;
  /** In their order. */
  readonly onSegment: (segment: TranscriptSegment) => void;
  readonly signal: AbortSignal;
}

interface LiveCall {
  readonly sampleRateHz: number;
  /** '' lets the model tell. */
  readonly language: string;
  readonly onEvent: (event: StreamEvent) => void;
  /** Told what was not taken because too much waited already. */
  readonly onLost: (message: string) => void;
}

/** A live transcription: what it is told of goes to its LiveCall. */
export interface LiveSession {
  /** Takes the samples away: [any] f32. */
  write(samples: Float32Array<ArrayBuffer>): void;
  /** Nothing follows. */
  finish(): void;
  /** Everything has been told. @throws QwenAsrError (the promise) as SpeechStream.finish */
  readonly ended: Promise<true>;
}

/** An answer that the page waits for. */
interface Waiting {
  readonly hear: (event: EngineEvent) => void;
  readonly fail: (code: ErrorCode, message: string) => void;
}

/** The model in its worker, as the page sees it. */
export class Engine {
  readonly #worker = new Worker(new URL('./engineWorker.js', import.meta.url), {
    type: 'module',
    name: 'qwen-asr engine',
  });
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;

  constructor() {
    this.#worker.onmessage = ({ data }: MessageEvent<EngineEvent>) => this.#waiting.get(data.id)?.hear(data);
    this.#worker.onerror = ({ message }) => {
      for (const { fail } of this.#waiting.values()) fail('internal', message || 'the engine did not start');
    };
  }

  /** Replaces the model. @throws QwenAsrError as loadModelFromFiles */
  load(
    source: ModelSource,
    threads: number,
    onProgress: (readBytes: number, totalBytes: number) => void,
  ): Promise<ModelInfo> {
    return this.#ask(
      (id) => ({ kind: 'load', id, source, threads }),
      (event) => {
        if (event.kind === 'progress') onProgress(event.readBytes, event.totalBytes);
        return event.kind === 'loaded' ? event.info : undefined;
      },
    );
  }

  /**
   * Replaces what finds the times of words; null: nothing does any more.
   *
   * @returns null for null
   * @throws QwenAsrError as loadAlignerFromFiles
   */
  loadAligner(
    source: ModelSource | null,
    threads: number,
    onProgress: (readBytes: number, totalBytes: number) => void,
  ): Promise<AlignerInfo | null> {
    return this.#ask(
      (id) => ({ kind: 'loadAligner', id, source, threads }),
      (event) => {
        if (event.kind === 'progress') onProgress(event.readBytes, event.totalBytes);
        return event.kind === 'alignerLoaded' ? event.info : undefined;
      },
    );
  }

  /** Asks the hub what a model is. @throws QwenAsrError as HubStorage.lookUp */
  lookUp(order: HubOrder): Promise<HubModel> {
    return this.#ask(
      (id) => ({ kind: 'lookUp', id, ...order }),
      (event) => (event.kind === 'lookedUp' ? event.model : undefined),
    );
  }

  /** Fetches a model into the browser's storage. @throws QwenAsrError as HubStorage.fetch */
  async fetchModel(
    order: HubOrder,
    onProgress: (bytes: number, totalBytes: number) => void,
    signal: AbortSignal,
  ): Promise<void> {
    await this.#ask(
      (id) => ({ kind: 'fetch', id, ...order }),
      (event) => {
        if (event.kind === 'progress') onProgress(event.readBytes, event.totalBytes);
        return event.kind === 'stored' ? true : undefined;
      },
      signal,
    );
  }

  /** Gives the space of a model in the browser's storage back. */
  async forget(order: HubOrder): Promise<void> {
    await this.#ask(
      (id) => ({ kind: 'forget', id, ...order }),
      (event) => (event.kind === 'stored' ? true : undefined),
    );
  }

  /**
   * @returns milliseconds that it took
   * @throws QwenAsrError as SpeechModel.transcribeLong
   */
  transcribe({ samples, language, onToken, onSegment, signal }: TranscribeCall): Promise<number> {
    return this.#ask(
      (id) => ({ kind: 'transcribe', id, samples, language }),
      (event) => {
        if (event.kind === 'token') onToken(event.token);
        if (event.kind === 'segment') onSegment(event.segment);
        return event.kind === 'transcribed' ? event.totalMs : undefined;
      },
      signal,
    );
  }

  /** Transcribes what is written while it is written. */
  openLive({ sampleRateHz, language, onEvent, onLost }: LiveCall): LiveSession {
    const id = this.#nextId;
    const ended = this.#ask<true>(
      () => ({ kind: 'live', id, sampleRateHz, language }),
      (event) => {
        if (event.kind === 'heard') onEvent(event.heard);
        if (event.kind === 'lost') onLost(event.message);
        return event.kind === 'finished' ? true : undefined;
      },
    );
    return {
      write: (samples) => this.#worker.postMessage({ kind: 'samples', id, samples }, [samples.buffer]),
      finish: () => this.#post({ kind: 'finish', id }),
      ended,
    };
  }

  /** One measured transcription. @throws QwenAsrError as SpeechModel.transcribe */
  measure({ samples, language }: Speech, signal: AbortSignal): Promise<RunRecord> {
    return this.#ask(
      (id) => ({ kind: 'measure', id, samples, language }),
      (event) => (event.kind === 'measured' ? event.run : undefined),
      signal,
    );
  }

  /** Sends a request; `take` sees what comes back and returns the result when it is there. */
  #ask<T>(
    request: (id: number) => EngineRequest,
    take: (event: EngineEvent) => T | undefined,
    signal?: AbortSignal,
  ): Promise<T> {
    const id = this.#nextId++;
    const cancel = () => this.#post({ kind: 'cancel', id });
    const answered = new Promise<T>((resolve, reject) => {
      const fail = (code: ErrorCode, message: string) => reject(new QwenAsrError(code, message));
      const hear = (event: EngineEvent) => {
        if (event.kind === 'failed') return fail(event.code, event.message);
        const result = take(event);
        if (result !== undefined) resolve(result);
      };
      this.#waiting.set(id, { hear, fail });
      this.#post(request(id));
      if (signal?.aborted) cancel();
      else signal?.addEventListener('abort', cancel, { once: true });
    });
    return answered.finally(() => {
      this.#waiting.delete(id);
      signal?.removeEventListener('abort', cancel);
    });
  }

  #post(request: EngineRequest): void {
    this.#worker.postMessage(request);
  }
}

import type { ErrorCode, ModelInfo, TokenEvent, Transcript } from '../../src/browser.js';
import { QwenAsrError } from '../../src/error.js';
import type { EngineEvent, EngineRequest, ModelSource } from './messages.js';

interface TranscribeCall {
  readonly language: string;
  readonly onToken?: (token: TokenEvent) => void;
  readonly signal?: AbortSignal;
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

  /** @throws QwenAsrError as SpeechModel.transcribe */
  transcribe(samples: Float32Array, { language, onToken, signal }: TranscribeCall): Promise<Transcript> {
    return this.#ask(
      (id) => ({ kind: 'transcribe', id, samples, language }),
      (event) => {
        if (event.kind === 'token') onToken?.(event.token);
        return event.kind === 'transcribed' ? event.transcript : undefined;
      },
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

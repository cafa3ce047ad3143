import {
  type ClientRequest,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { QwenAsrError } from '../../error.js';
import type { FailureKind } from '../schema/runRecord.js';
import { failed, readAnswer } from './readAnswer.js';
import type { Outcome } from './runLevel.js';

/** A server that speaks the OpenAI API. */
export interface Endpoint {
  /** Up to and with `/v1`. */
  readonly base: URL;
  /** Null: none is sent. */
  readonly key: string | null;
  readonly timeoutMs: number;
}

/** A recording as it is sent. */
export interface Upload {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly durationMs: number;
}

/** What a request asks for beside the recording. */
export interface Wanted {
  readonly model: string;
  readonly language: string | undefined;
  readonly streamed: boolean;
}

/** Sockets that nobody uses are closed before servers do it: a request on one that is being closed would fail. */
const IDLE_SOCKET_MS = 2000;

/** No part of a recording has this line, and requests of one recording are the same bytes. */
const BOUNDARY = 'qwen-asr-bench-3f1c9a7be8d24605';

/** A client of an endpoint. Connections are kept, as many as there are requests at a time. */
export class TranscriptionClient {
  readonly #endpoint: Endpoint;
  readonly #agent: HttpAgent;

  constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint;
    const options = { keepAlive: true, scheduling: 'lifo', timeout: IDLE_SOCKET_MS } as const;
    this.#agent = endpoint.base.protocol === 'https:' ? new HttpsAgent(options) : new HttpAgent(options);
  }

  /**
   * The name of the first model that the endpoint lists; null when it lists none.
   *
   * @throws QwenAsrError `network` when there is no connection, or the key is refused
   */
  async firstModel(signal: AbortSignal): Promise<string | null> {
    const outcome = await this.#exchange('GET', 'models', null, signal, async (answer) => {
      let text = '';
      for await (const chunk of answer.setEncoding('utf8') as AsyncIterable<string>) text += chunk;
      if (answer.statusCode === 401 || answer.statusCode === 403) {
        return failed('rejected', answer.statusCode, 'the key was refused');
      }
      return { failure: null, text, language: null, firstTextMs: null };
    });
    if (outcome.failure !== null) {
      throw new QwenAsrError(
        'network',
        `${this.#endpoint.base}: expected an answer, found ${outcome.detail}`,
      );
    }
    try {
      const id: unknown = JSON.parse(outcome.text)?.data?.[0]?.id;
      return typeof id === 'string' ? id : null;
    } catch {
      return null;
    }
  }

  /** Sends a recording and reads the answer. What goes wrong is an outcome, not an error. */
  transcribe(body: Uint8Array, signal: AbortSignal): Promise<Outcome> {
    const startMs = performance.now();
    return this.#exchange('POST', 'audio/transcriptions', body, signal, (answer) =>
      readAnswer(answer, () => performance.now() - startMs),
    );
  }

  close(): void {
    this.#agent.destroy();
  }

  #exchange(
    method: 'GET' | 'POST',
    path: string,
    body: Uint8Array | null,
    signal: AbortSignal,
    read: (answer: IncomingMessage) => Promise<Outcome>,
  ): Promise<Outcome> {
    const { base, key, timeoutMs } = this.#endpoint;
    const send = base.protocol === 'https:' ? httpsRequest : httpRequest;
    return new Promise((resolve) => {
      let isTimedOut = false;
      const request: ClientRequest = send(new URL(path, base), {
        ...{ method, agent: this.#agent, signal },
        headers: {
          ...(key !== null && { authorization: `Bearer ${key}` }),
          ...(body !== null && {
            'content-type': `multipart/form-data; boundary=${BOUNDARY}`,
            'content-length': body.length,
          }),
        },
      });
      const timer = setTimeout(() => {
        isTimedOut = true;
        request.destroy();
      }, timeoutMs);
      const settle = (outcome: Outcome): void => {
        clearTimeout(timer);
        const late = `no answer within ${timeoutMs / 1000} s`;
        resolve(isTimedOut ? failed('timeout', null, late) : outcome);
        // What is left of an answer that failed is not waited for.
        if (outcome.failure === 'malformed' || outcome.failure === 'stream_error') request.destroy();
      };
      request.on('response', (answer) => {
        read(answer).then(settle, (error: Error) =>
          settle(failed('cut', answer.statusCode ?? null, error.message)),
        );
      });
      request.on('error', (error: NodeJS.ErrnoException) => {
        const { code, message } = error;
        // After the answer has begun its reader tells what became of it.
        settle(failed(kindOfError(code), null, code ?? message));
      });
      request.end(body ?? undefined);
    });
  }
}

function kindOfError(code: string | undefined): FailureKind {
  // The connection was there and went away.
  if (code === 'ECONNRESET' || code === 'EPIPE') return 'cut';
  // Node's parser: what came was no HTTP.
  return code?.startsWith('HPE_') ? 'malformed' : 'connection';
}

/** The form of a request, the same bytes every time. */
export function transcriptionForm(
  { name, bytes }: Upload,
  { model, language, streamed }: Wanted,
): Uint8Array {
  const fields: readonly (readonly [name: string, value: string])[] = [
    ['model', model],
    ['response_format', 'json'],
    ...(language === undefined ? [] : [['language', language] as const]),
    ...(streamed ? [['stream', 'true'] as const] : []),
  ];
  const parts = fields.map(
    ([field, value]) =>
      `--${BOUNDARY}\r\ncontent-disposition: form-data; name="${field}"\r\n\r\n${value}\r\n`,
  );
  const fileName = name.replace(/["\\\r\n]/g, '_');
  const head = `${parts.join('')}--${BOUNDARY}\r\ncontent-disposition: form-data; name="file"; filename="${fileName}"\r\ncontent-type: application/octet-stream\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), bytes, Buffer.from(`\r\n--${BOUNDARY}--\r\n`)]);
}

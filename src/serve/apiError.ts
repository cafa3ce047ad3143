import { QwenAsrError } from '../error.js';

/** What a refusal says beside its message. */
export interface ApiErrorFacts {
  /** The field of the request that is to blame. */
  readonly param?: string | null;
  /** A word that programs can switch on. */
  readonly reason?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

/** An error that a client is told of, in the form of the API it speaks. */
export class ApiError extends QwenAsrError {
  readonly status: number;
  readonly param: string | null;
  readonly reason: string | null;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, message: string, facts: ApiErrorFacts = {}) {
    super(status < 500 ? 'usage' : 'internal', message, { cause: facts.cause });
    this.status = status;
    this.param = facts.param ?? null;
    this.reason = facts.reason ?? null;
    this.headers = facts.headers ?? {};
  }

  /** The body of an answer, and the `error` of an event. */
  toJSON(): { error: { message: string; type: string; param: string | null; code: string | null } } {
    const type =
      this.status >= 500 ? 'server_error' : this.status === 429 ? 'requests' : 'invalid_request_error';
    return { error: { message: this.message, type, param: this.param, code: this.reason } };
  }
}

/** A field that a request cannot have. */
export function badField(param: string, message: string, reason = 'invalid_value'): ApiError {
  return new ApiError(400, `${param}: ${message}`, { param, reason });
}

/** The options of the library by the names that requests have for them. */
const PARAMS: Readonly<Record<string, string>> = {
  context: 'prompt',
  language: 'language',
  maxDurationMs: 'file',
};

/** Any error as one that a client may read: no path, no stack, no name of ours. */
export function apiErrorOf(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  const cause = error;
  if (!(error instanceof QwenAsrError)) return new ApiError(500, 'internal error', { cause });
  const param = PARAMS[error.option ?? ''] ?? null;
  const message = withoutOption(error, param);
  switch (error.code) {
    case 'audio':
    case 'unsupported': {
      const status = error.option === 'maxDurationMs' ? 413 : 400;
      return new ApiError(status, message, { param: 'file', reason: 'invalid_audio', cause });
    }
    case 'usage':
    case 'tokenizer':
      return new ApiError(400, message, { param, reason: 'invalid_value', cause });
    case 'memory':
      return new ApiError(503, message, { reason: 'out_of_memory', headers: { 'retry-after': '10' }, cause });
    case 'closed':
    case 'aborted':
      return new ApiError(503, 'the server is shutting down', { reason: 'shutting_down', cause });
    default:
      return new ApiError(500, `internal error (${error.code})`, { reason: error.code, cause });
  }
}

function withoutOption({ message, option }: QwenAsrError, param: string | null): string {
  if (option === undefined || !message.startsWith(`${option}: `)) return message;
  const rest = message.slice(option.length + 2);
  return param === null || param === 'file' ? rest : `${param}: ${rest}`;
}

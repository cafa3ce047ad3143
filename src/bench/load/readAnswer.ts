import type { IncomingMessage } from 'node:http';
import type { FailureKind } from '../schema/runRecord.js';
import type { Outcome } from './runLevel.js';

/** More than any transcript: what sends so much sends something else. */
const MAX_BYTES = 2 ** 24;

/** Characters of a message that are kept. */
const MAX_DETAIL = 200;

/**
 * Reads the answer to a request for a transcription: JSON with a text, or a stream of events.
 *
 * @param sinceStartMs milliseconds since the request was sent, when called
 */
export async function readAnswer(answer: IncomingMessage, sinceStartMs: () => number): Promise<Outcome> {
  const status = answer.statusCode ?? 0;
  const type = (answer.headers['content-type'] ?? '').toLowerCase();
  const reader = new AnswerReader(status);
  answer.setEncoding('utf8');
  try {
    let bytes = 0;
    for await (const chunk of answer as AsyncIterable<string>) {
      bytes += chunk.length;
      if (bytes > MAX_BYTES) return failed('malformed', status, `more than ${MAX_BYTES} characters`);
      if (type.startsWith('text/event-stream') && status === 200) reader.takeEvents(chunk, sinceStartMs());
      else reader.takeText(chunk);
      if (reader.outcome !== null) return reader.outcome;
    }
  } catch (error) {
    if (answer.destroyed && !answer.complete) return failed('cut', status, 'the connection ended early');
    throw error;
  }
  return reader.end(type);
}

/** An answer without a transcript, with what is known of the reason in a line. */
export function failed(failure: FailureKind, status: number | null, detail: string): Outcome {
  const line = detail.replace(/[\p{Cc}\s]+/gu, ' ').trim();
  return { failure, status, detail: line.length > MAX_DETAIL ? `${line.slice(0, MAX_DETAIL)}…` : line };
}

class AnswerReader {
  /** Known before the answer has ended: an error in a stream. */
  outcome: Outcome | null = null;
  readonly #status: number;
  #rest = '';
  #text = '';
  #isDone = false;
  #isStream = false;
  #firstTextMs: number | null = null;

  constructor(status: number) {
    this.#status = status;
  }

  takeText(chunk: string): void {
    this.#rest += chunk;
  }

  takeEvents(chunk: string, atMs: number): void {
    this.#isStream = true;
    const lines = (this.#rest + chunk).split(/\r?\n/);
    this.#rest = lines.pop() ?? '';
    for (const line of lines) if (line.startsWith('data:')) this.#takeEvent(line.slice(5).trim(), atMs);
  }

  end(type: string): Outcome {
    const status = this.#status;
    if (status !== 200) return failed(failureOfStatus(status), status, messageIn(this.#rest));
    if (this.#isStream) {
      if (!this.#isDone) return failed('cut', status, 'the stream ended before its last event');
      return { failure: null, text: this.#text, language: null, firstTextMs: this.#firstTextMs };
    }
    const document = parsed(this.#rest);
    const text = document?.['text'];
    if (typeof text !== 'string') {
      return failed('malformed', status, `${type || 'no type'}: ${this.#rest}`);
    }
    const language = document?.['language'];
    return {
      failure: null,
      text,
      language: typeof language === 'string' ? language : null,
      firstTextMs: null,
    };
  }

  #takeEvent(data: string, atMs: number): void {
    if (data === '[DONE]') {
      this.#isDone = true;
      return;
    }
    const event = parsed(data);
    if (event === null) {
      this.outcome = failed('malformed', this.#status, `event: ${data}`);
    } else if (event['error'] !== undefined || event['type'] === 'error') {
      this.outcome = failed('stream_error', this.#status, messageIn(data));
    } else if (event['type'] === 'transcript.text.done') {
      this.#isDone = true;
      this.#take(event['text'], atMs, true);
    } else this.#take(deltaOf(event), atMs, false);
  }

  #take(text: unknown, atMs: number, isWhole: boolean): void {
    if (typeof text !== 'string') return;
    if (text !== '') this.#firstTextMs ??= atMs;
    this.#text = isWhole ? text : this.#text + text;
  }
}

/** The new text of an event: of the API, or of servers that stream as chat completions do. */
function deltaOf(event: Readonly<Record<string, unknown>>): unknown {
  if (event['type'] === 'transcript.text.delta') return event['delta'];
  const choices = event['choices'];
  const [choice] = Array.isArray(choices) ? choices : [];
  return choice?.delta?.content;
}

/** What a status that is not 200 means. */
export function failureOfStatus(status: number): FailureKind {
  if (status === 429 || status === 503) return 'busy';
  if (status >= 500) return 'server_error';
  return status >= 400 ? 'rejected' : 'malformed';
}

/** What an error says: its `message` in the API's form, else the text itself. */
function messageIn(text: string): string {
  const document = parsed(text);
  const message = messageOf(document?.['error'] ?? document);
  return typeof message === 'string' ? message : text;
}

/** The `message` of an error in the API's form; another error itself. */
export function messageOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null ? Reflect.get(error, 'message') : error;
}

/** The object that a text is in JSON; null where it is none. */
export function parsed(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : null;
  } catch {
    return null;
  }
}

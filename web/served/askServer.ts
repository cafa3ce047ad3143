import type { ServedChoices } from './servedPage.js';

/** What the server has refused. */
export class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Asks for something of the server, with the key. @throws Refusal; Error in plain words when nobody answers */
export async function askServer(
  path: string,
  { key }: Pick<ServedChoices, 'key'>,
  options: RequestInit = {},
): Promise<Response> {
  const headers = key === null ? {} : { authorization: `Bearer ${key}` };
  const answer = await fetch(path, { ...options, headers }).catch((cause) => {
    options.signal?.throwIfAborted();
    throw new Error('the server does not answer', { cause });
  });
  if (answer.ok) return answer;
  throw new Refusal(answer.status, await refusalText(answer));
}

/** The server's own words, and when it is worth to try again. */
async function refusalText(answer: Response): Promise<string> {
  const document: unknown = await answer.json().catch(() => null);
  const { error } = (document ?? {}) as { error?: { message?: string } };
  const message = error?.message ?? `the server answered ${answer.status}`;
  const seconds = answer.headers.get('retry-after');
  return seconds === null ? message : `${message}; try again in ${seconds} s`;
}

/**
 * Has a recording transcribed.
 *
 * @param onText what is recognised, bit by bit, where the format is text
 * @returns the transcript in its format
 */
export async function transcribeRecording(
  file: Blob,
  choices: ServedChoices,
  signal: AbortSignal,
  onText: (text: string) => void,
): Promise<string> {
  const { model, language, prompt, format, hasWords } = choices;
  const body = new FormData();
  body.set('file', file);
  body.set('model', model);
  body.set('language', language);
  body.set('prompt', prompt);
  body.set('response_format', format === 'txt' ? 'text' : format === 'json' ? 'verbose_json' : format);
  if (format === 'txt') body.set('stream', 'true');
  if (format === 'json') body.append('timestamp_granularities[]', 'segment');
  if (format === 'json' && hasWords) body.append('timestamp_granularities[]', 'word');
  const answer = await askServer('v1/audio/transcriptions', choices, { method: 'POST', body, signal });
  if (format === 'json') return `${JSON.stringify(await answer.json(), null, 2)}\n`;
  if (format !== 'txt') return answer.text();
  let text: string | null = null;
  for await (const event of eventsOf(answer)) {
    if (event.error !== undefined) throw new Error(event.error.message);
    if (event.type === 'transcript.text.delta') onText(event.delta ?? '');
    if (event.type === 'transcript.text.done') text = event.text ?? '';
  }
  if (text === null) throw new Error('the server ended its answer before the end of the text');
  return text;
}

/** What is read of an event of the stream. */
interface TextEvent {
  readonly type?: string;
  readonly delta?: string;
  readonly text?: string;
  readonly error?: { readonly message: string };
}

/** Server-sent events, whose data are JSON. */
async function* eventsOf({ body }: Response): AsyncGenerator<TextEvent, void, undefined> {
  if (body === null) return;
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const events = (rest + value).split('\n\n');
    rest = events.pop() ?? '';
    for (const event of events) yield JSON.parse(event.slice('data: '.length));
  }
}

import { badField } from '../apiError.js';

/** What a chat request with audio asks for, checked. */
export interface ChatRequest {
  readonly model: string;
  /** The system message: context for recognition. */
  readonly context: string | undefined;
  readonly audio: Buffer;
  readonly stream: boolean;
  /** Whether the last event of a stream counts tokens. */
  readonly withUsage: boolean;
  readonly maxTokens: number | undefined;
  readonly temperature: number;
}

type Json = Readonly<Record<string, unknown>>;

/** Fields that change nothing here, because the most probable token is always taken. */
const NEUTRAL = [
  'top_p',
  'seed',
  'user',
  'frequency_penalty',
  'presence_penalty',
  'repetition_penalty',
  'top_k',
  'n',
];
const KNOWN = [
  'model',
  'messages',
  'stream',
  'stream_options',
  'max_tokens',
  'max_completion_tokens',
  'temperature',
];

/**
 * Reads a chat request that holds one recording, as `input_audio` or as a `data:` URL, and a context in its system
 * message.
 *
 * @throws ApiError 400 naming the field
 */
export function readChatRequest(body: Json): ChatRequest {
  const unknown = Object.keys(body).find((name) => !KNOWN.includes(name) && !NEUTRAL.includes(name));
  if (unknown !== undefined)
    throw badField(unknown.slice(0, 100), 'there is no such field', 'unknown_parameter');
  const { model, messages, stream, stream_options, n, temperature } = body;
  if (typeof model !== 'string' || model === '') {
    throw badField('model', 'expected the name of a model, found none', 'missing_parameter');
  }
  if (n !== undefined && n !== null && n !== 1) throw badField('n', 'expected 1');
  const given = body['max_completion_tokens'] ?? body['max_tokens'] ?? undefined;
  if (given !== undefined && !(Number.isInteger(given) && (given as number) >= 1)) {
    throw badField('max_tokens', 'expected a whole number of at least 1');
  }
  return {
    model,
    ...readMessages(messages),
    stream: truth('stream', stream),
    withUsage: truth('stream_options.include_usage', objectOf(stream_options)['include_usage']),
    maxTokens: given as number | undefined,
    temperature: readTemperature(temperature),
  };
}

function readTemperature(value: unknown): number {
  if (value === undefined || value === null) return 0;
  if (typeof value === 'number' && value >= 0 && value <= 2) return value;
  throw badField('temperature', 'expected a number from 0 to 2');
}

function readMessages(messages: unknown): { context: string | undefined; audio: Buffer } {
  if (!Array.isArray(messages)) throw badField('messages', 'expected a list of messages');
  const contexts: string[] = [];
  const recordings: Buffer[] = [];
  for (const [i, message] of messages.entries()) {
    const { role, content } = objectOf(message);
    const param = `messages[${i}]`;
    if (role === 'system' || role === 'developer') contexts.push(textOf(content, param));
    else if (role === 'user') recordings.push(...audioOf(content, param));
    else throw badField(`${param}.role`, 'expected system or user');
  }
  const [audio, ...more] = recordings;
  if (audio === undefined || more.length > 0) {
    throw badField(
      'messages',
      `expected one recording (input_audio or audio_url), found ${recordings.length}`,
    );
  }
  const context = contexts.join('\n').trim();
  return { context: context === '' ? undefined : context, audio };
}

function textOf(content: unknown, param: string): string {
  if (typeof content === 'string') return content;
  const parts = Array.isArray(content) ? content.map(objectOf) : [];
  const texts = parts.map(({ text }) => text);
  if (parts.length > 0 && texts.every((text) => typeof text === 'string')) return texts.join('\n');
  throw badField(`${param}.content`, 'expected text');
}

function audioOf(content: unknown, param: string): Buffer[] {
  if (!Array.isArray(content)) throw badField(`${param}.content`, 'expected a list of parts with audio');
  return content.flatMap((part, i) => {
    const where = `${param}.content[${i}]`;
    const { type, text, ...of } = objectOf(part);
    if (type === 'text' && typeof text === 'string' && text.trim() === '') return [];
    if (type === 'input_audio')
      return [base64(objectOf(of['input_audio'])['data'], `${where}.input_audio.data`)];
    if (type === 'audio_url') return [dataUrl(objectOf(of['audio_url'])['url'], `${where}.audio_url.url`)];
    throw badField(`${where}.type`, 'expected input_audio or audio_url');
  });
}

function dataUrl(url: unknown, param: string): Buffer {
  const [, data] = /^data:[^,]{0,200};base64,([\s\S]*)$/.exec(typeof url === 'string' ? url : '') ?? [];
  if (data === undefined)
    throw badField(param, 'expected a data: URL in base64; this server fetches nothing');
  return base64(data, param);
}

function base64(data: unknown, param: string): Buffer {
  const text = typeof data === 'string' ? data.replace(/^data:[^,]{0,200};base64,/, '') : '';
  if (text === '' || !/^[A-Za-z0-9+/_\-\s]*={0,2}\s*$/.test(text)) throw badField(param, 'expected base64');
  return Buffer.from(text, 'base64');
}

function truth(param: string, value: unknown): boolean {
  if (value === undefined || value === null) return false;
  if (typeof value === 'boolean') return value;
  throw badField(param, 'expected true or false');
}

function objectOf(value: unknown): Json {
  return typeof value === 'object' && value !== null ? (value as Json) : {};
}

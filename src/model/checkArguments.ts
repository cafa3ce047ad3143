import { QwenAsrError } from '../error.js';
import { describeArgument, kindOf } from './describe.js';
import { isObject } from './modelText.js';

interface OptionKind {
  readonly expected: string;
  readonly holds: (value: unknown) => boolean;
}

const FUNCTION: OptionKind = { expected: 'a function', holds: (value) => typeof value === 'function' };
const TEXT: OptionKind = { expected: 'text', holds: (value) => typeof value === 'string' };

/** Options that mean the same in every call. Those that only one of them has are checked there. */
const KINDS: Readonly<Record<string, OptionKind>> = {
  signal: { expected: 'an AbortSignal', holds: (value) => kindOf(value) === 'AbortSignal' },
  observer: FUNCTION,
  onBackend: FUNCTION,
  onDecodeStep: FUNCTION,
  onPhaseEnd: FUNCTION,
  onProgress: FUNCTION,
  onToken: FUNCTION,
  skipSilence: { expected: 'true or false', holds: (value) => typeof value === 'boolean' },
  label: TEXT,
  name: TEXT,
};

/**
 * For callers without a type checker. null stands for an option that is not given.
 *
 * @throws QwenAsrError `usage` when this is no object, or an option is of another kind
 */
export function checkOptions(options: unknown): void {
  if (!isObject(options)) {
    throw new QwenAsrError('usage', `options: expected an object, found ${describeArgument(options)}`);
  }
  for (const [option, { expected, holds }] of Object.entries(KINDS)) {
    const value = options[option] ?? null;
    if (value === null || holds(value)) continue;
    throw new QwenAsrError('usage', `expected ${expected}, found ${describeArgument(value)}`, { option });
  }
}

/**
 * The texts of a caller, who may have no type checker. One text by itself would be taken for a list of letters.
 *
 * @param what names the argument in messages
 * @throws QwenAsrError `usage` for what is no list, or holds something else
 */
export function* givenTexts(texts: Iterable<string>, what: string): Generator<string, void, undefined> {
  if (typeof texts !== 'object' || texts === null || !(Symbol.iterator in texts)) {
    throw new QwenAsrError('usage', `${what}: expected texts, found ${describeArgument(texts)}`);
  }
  for (const text of texts) {
    if (typeof text !== 'string') {
      throw new QwenAsrError('usage', `${what}: expected texts, found ${describeArgument(text)} among them`);
    }
    yield text;
  }
}

/**
 * Twice the logical CPUs of the largest two-socket servers. Some ten thousand threads use up what a process may map,
 * and then the runtime itself aborts with a stack trace, too late for any error of ours.
 */
const MAX_THREADS = 1024;

/** @throws QwenAsrError `usage` unless `threads` is a whole number from 1 to MAX_THREADS. */
export function checkThreadCount(threads: number): void {
  if (Number.isInteger(threads) && threads >= 1 && threads <= MAX_THREADS) return;
  const found = describeArgument(threads);
  throw new QwenAsrError(
    'usage',
    `expected a whole number of at least 1 and at most ${MAX_THREADS}, found ${found}`,
    {
      option: 'threads',
    },
  );
}

/** Bytes in memory: a buffer, shared or not, or a view of one (Uint8Array, Buffer, DataView, …), of which what it shows. */
export type BytesInMemory = ArrayBufferLike | ArrayBufferView;

/** What gives its bytes when asked: a Blob, a File, or the Response of a fetch. */
interface BlobLike {
  arrayBuffer(): Promise<ArrayBuffer>;
}

/** Bytes as callers have them: what `fetch`, file inputs, `readFile` and databases give. */
export type ByteInput = BytesInMemory | BlobLike;

const EXPECTED = 'expected bytes as an ArrayBuffer, a view of one or a Blob';

/** Whether a value can be taken for bytes. Objects of other realms can. */
export function isByteInput(value: unknown): value is ByteInput {
  return isInMemory(value) || isBlobLike(value);
}

/**
 * Bytes in memory as one view, without a copy unless the memory is shared (text decoders take no shared memory).
 *
 * @param where begins the message
 * @throws QwenAsrError `usage` for anything else, arrays of floating-point numbers included: they are samples
 */
export function viewBytes(bytes: unknown, where: string): Uint8Array<ArrayBuffer> {
  if (!isInMemory(bytes)) {
    const hint = isBlobLike(bytes) ? ', whose bytes its arrayBuffer() gives' : '';
    throw new QwenAsrError('usage', `${where}: ${EXPECTED}, found ${describeArgument(bytes)}${hint}`);
  }
  const isView = ArrayBuffer.isView(bytes);
  const buffer = isView ? bytes.buffer : bytes;
  try {
    const view = isView
      ? new Uint8Array(buffer, bytes.byteOffset, bytes.byteLength)
      : new Uint8Array(buffer, 0);
    return isUnshared(view) ? view : new Uint8Array(view);
  } catch (cause) {
    // The one way in which this fails: the buffer was posted to another thread.
    const found = `${describeArgument(bytes)} that was transferred elsewhere`;
    throw new QwenAsrError('usage', `${where}: ${EXPECTED}, found ${found}`, { cause });
  }
}

/**
 * Bytes of any kind in memory of their own. What is in memory already is copied before this returns, so that the caller
 * may go on using it.
 *
 * @throws QwenAsrError `usage` as viewBytes; `file` when a Blob cannot be read, or a server answered with an error
 */
export async function takeBytes(input: unknown, where: string): Promise<Uint8Array<ArrayBuffer>> {
  if (!isBlobLike(input)) return new Uint8Array(viewBytes(input, where));
  const { ok, status } = input as Partial<Response>;
  if (ok === false) throw new QwenAsrError('file', `${where}: the server answered ${status}`);
  try {
    return new Uint8Array(await input.arrayBuffer());
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new QwenAsrError('file', `${where}: could not be read: ${reason}`, { cause });
  }
}

/** What messages call bytes that the caller gave no label for: the name of a File, the address of a Response. */
export function nameOfBytes(input: unknown, otherwise: string): string {
  const { name, url } = Object(input) as { name?: unknown; url?: unknown };
  for (const text of [name, url]) if (typeof text === 'string' && text !== '') return text;
  return otherwise;
}

function isInMemory(value: unknown): value is BytesInMemory {
  if (ArrayBuffer.isView(value)) return !kindOf(value).startsWith('Float');
  return ['ArrayBuffer', 'SharedArrayBuffer'].includes(kindOf(value));
}

function isBlobLike(value: unknown): value is BlobLike {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as Partial<BlobLike>).arrayBuffer === 'function'
  );
}

function isUnshared(view: Uint8Array): view is Uint8Array<ArrayBuffer> {
  return kindOf(view.buffer) === 'ArrayBuffer';
}

import { QwenAsrError } from '../error.js';
import { describeArgument, kindOf } from './describe.js';

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
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new QwenAsrError('usage', `options: expected an object, found ${describeArgument(options)}`);
  }
  for (const [option, { expected, holds }] of Object.entries(KINDS)) {
    const value = (options as Readonly<Record<string, unknown>>)[option] ?? null;
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

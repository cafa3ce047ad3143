import { QwenAsrError } from '../error.js';
import { describeArgument } from '../model/describe.js';

/**
 * Twice the logical CPUs of the largest two-socket servers. Some ten thousand threads use up what a process may map,
 * and then the runtime itself aborts with a stack trace, too late for any error of ours.
 */
export const MAX_THREADS = 1024;

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

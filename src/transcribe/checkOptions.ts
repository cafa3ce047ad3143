import { QwenAsrError } from '../error.js';
import { describeArgument } from '../model/describe.js';

/**
 * For callers without a type checker; what the options hold is checked where it is used.
 *
 * @throws QwenAsrError `usage` when this is no object
 */
export function checkOptions(options: unknown): void {
  if (typeof options === 'object' && options !== null) return;
  throw new QwenAsrError('usage', `options: expected an object, found ${describeArgument(options)}`);
}

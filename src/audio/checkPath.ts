import { QwenAsrError } from '../error.js';
import { describeArgument } from '../model/describe.js';

/**
 * For callers without a type checker.
 *
 * @throws QwenAsrError `usage` when this cannot be the name of a file
 */
export function checkPath(path: unknown): asserts path is string | Buffer {
  if ((typeof path === 'string' || Buffer.isBuffer(path)) && path.length > 0) return;
  throw new QwenAsrError(
    'usage',
    `path: expected the name of a file or its bytes, found ${describeArgument(path)}`,
  );
}

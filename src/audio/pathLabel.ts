import { QwenAsrError } from '../error.js';
import { describeArgument } from '../model/describe.js';

/** Longest character in UTF-8, in bytes. */
const MAX_CHARACTER_BYTES = 4;
const UTF_8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * A file's name as text, for messages, results and the names of other files. Bytes that are no UTF-8 (names from systems
 * with another encoding) are written out, so that different names stay different.
 *
 * @example
 * pathLabel(Buffer.from([0x63, 0x61, 0x66, 0xe9])); // 'caf\\xe9'
 */
export function pathLabel(path: string | Uint8Array): string {
  if (typeof path === 'string') return path;
  const whole = textOf(path);
  if (whole !== undefined) return whole;
  const parts: string[] = [];
  for (let at = 0; at < path.length; ) {
    let bytes = 1;
    while (bytes < MAX_CHARACTER_BYTES && textOf(path.subarray(at, at + bytes)) === undefined) bytes++;
    const character = textOf(path.subarray(at, at + bytes));
    parts.push(character ?? `\\x${path[at]!.toString(16).padStart(2, '0')}`);
    at += character === undefined ? 1 : bytes;
  }
  return parts.join('');
}

/** UTF-8 as text; undefined for other bytes. */
function textOf(bytes: Uint8Array): string | undefined {
  try {
    return UTF_8.decode(bytes);
  } catch {
    return undefined;
  }
}

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

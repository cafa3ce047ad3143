import { isUtf8 } from 'node:buffer';

/** Longest character in UTF-8, in bytes. */
const MAX_CHARACTER_BYTES = 4;

/**
 * A file's name as text, for messages, results and the names of other files. Bytes that are no UTF-8 (names from systems
 * with another encoding) are written out, so that different names stay different.
 *
 * @example
 * pathLabel(Buffer.from([0x63, 0x61, 0x66, 0xe9])); // 'caf\\xe9'
 */
export function pathLabel(path: string | Buffer): string {
  if (typeof path === 'string') return path;
  if (isUtf8(path)) return path.toString();
  const parts: string[] = [];
  for (let at = 0; at < path.length; ) {
    let bytes = 1;
    while (bytes < MAX_CHARACTER_BYTES && !isUtf8(path.subarray(at, at + bytes))) bytes++;
    const character = path.subarray(at, at + bytes);
    const isCharacter = isUtf8(character);
    parts.push(isCharacter ? character.toString() : `\\x${path[at]!.toString(16).padStart(2, '0')}`);
    at += isCharacter ? bytes : 1;
  }
  return parts.join('');
}

/**
 * The GPT-2 byte alphabet: every byte is written as one printable character, so that a vocabulary of byte strings
 * can be stored as JSON text. Printable Latin-1 bytes stand for themselves; the other 68, in order, are U+0100 on.
 * (Byte 0x20 is `Ġ`, byte 0x0A is `Ċ`.)
 */

/** Printable characters of Latin-1; U+00AD, the soft hyphen, is invisible. */
const PRINTABLE_RANGES: readonly (readonly [number, number])[] = [
  [0x21, 0x7e],
  [0xa1, 0xac],
  [0xae, 0xff],
];

/** byteAlphabet[byte] is the character that stands for it; 256 entries. */
export const byteAlphabet: readonly string[] = buildAlphabet();

/** byteOfCharacter[code unit] is the byte, or -1; all characters of the alphabet lie below the array's length. */
const byteOfCharacter: Int16Array = invert(byteAlphabet); // [324] i16

const utf8Encoder = new TextEncoder();

/**
 * Bytes that a vocabulary entry stands for. An entry with any character outside the alphabet is not a byte string:
 * it stands for its own UTF-8, as in the published decoder.
 *
 * @example
 * bytesOfPiece('Ġthe'); // Uint8Array [0x20, 0x74, 0x68, 0x65]
 */
export function bytesOfPiece(piece: string): Uint8Array {
  const bytes = new Uint8Array(piece.length);
  for (let i = 0; i < piece.length; i++) {
    const byte = byteOfCharacter[piece.charCodeAt(i)] ?? -1;
    if (byte < 0) return utf8Encoder.encode(piece);
    bytes[i] = byte;
  }
  return bytes;
}

/**
 * The vocabulary's way to write a text.
 *
 * @example
 * pieceOfText(' English'); // 'ĠEnglish'
 */
export function pieceOfText(text: string): string {
  let piece = '';
  for (const byte of utf8Encoder.encode(text)) piece += byteAlphabet[byte];
  return piece;
}

function buildAlphabet(): readonly string[] {
  const characters: string[] = [];
  let invisible = 0;
  for (let byte = 0; byte < 256; byte++) {
    const printable = PRINTABLE_RANGES.some(([first, last]) => byte >= first && byte <= last);
    characters.push(String.fromCharCode(printable ? byte : 256 + invisible++));
  }
  return characters;
}

function invert(alphabet: readonly string[]): Int16Array {
  const codes = alphabet.map((character) => character.charCodeAt(0));
  const bytes = new Int16Array(Math.max(...codes) + 1).fill(-1);
  codes.forEach((code, byte) => {
    bytes[code] = byte;
  });
  return bytes;
}

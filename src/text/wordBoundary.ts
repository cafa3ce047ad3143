import { whiteSpace } from './whiteSpace.js';

const startsWithSpace = new RegExp(`^[${whiteSpace}]`, 'u');

/** What belongs to the character before it: marks, joiners, skin tones, tags, and the second half of a pair. */
const belongsToBefore = /^(?:\p{M}|\p{Join_Control}|\p{Cs}|\p{Emoji_Modifier}|[\u{e0020}-\u{e007f}])/u;

/**
 * The last place up to `limit` at which a text that is still growing may be divided: before a space, or between the
 * characters of a script without spaces, never inside a character.
 *
 * @param text some of which may lie behind the limit
 * @returns an index in UTF-16 units, 0 when there is no such place
 * @example
 * wordBoundary('Close the cur', 13); // 9: the last word may go on
 * wordBoundary('定时九秒', 3); // 3
 */
export function wordBoundary(text: string, limit: number): number {
  for (let at = Math.min(limit, text.length - 1); at > 0; at--) if (dividesAt(text, at)) return at;
  return 0;
}

function dividesAt(text: string, at: number): boolean {
  const after = text.slice(at, at + 2);
  if (startsWithSpace.test(after)) return true;
  if (belongsToBefore.test(after) || text[at - 1] === '\u200d') return false;
  return endsSpaceless(text.slice(0, at)) || startsSpaceless(after);
}

/** Scripts that put no space between words or sentences, as the inside of a regular-expression class. */
export const SPACELESS_LETTERS =
  '\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Bopomofo}\\p{Script=Yi}\\p{Script=Thai}' +
  '\\p{Script=Lao}\\p{Script=Khmer}\\p{Script=Myanmar}';

/** The same with the punctuation of East Asia: the ideographic (U+3000–303F) and the full-width forms (U+FF00–FFEF). */
const SPACELESS = `${SPACELESS_LETTERS}\\u3000-\\u303f\\uff00-\\uffef`;

/** A character with its combining marks, in UTF-16 units: more than any writing needs. */
const LONGEST_ENDING = 16;

const ending = new RegExp(`[${SPACELESS}]\\p{M}*$`, 'u');
const beginning = new RegExp(`^[${SPACELESS}]`, 'u');

/** Whether a text ends in a script that is written without spaces. */
export function endsSpaceless(text: string): boolean {
  return ending.test(text.slice(-LONGEST_ENDING));
}

/** Whether a text begins in such a script. */
export function startsSpaceless(text: string): boolean {
  return beginning.test(text);
}

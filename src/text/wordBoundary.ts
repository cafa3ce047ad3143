import { endsSpaceless, startsSpaceless } from './spacelessScripts.js';
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

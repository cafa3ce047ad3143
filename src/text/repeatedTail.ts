import { SPACELESS_LETTERS } from './wordBoundary.js';

/** Longest unit that is looked for: eight words, or as many characters of a script without spaces as they take. */
const LONGEST_WORDS = 8;
const LONGEST_CHARACTERS = 24;

/** A word, or a character of a script without spaces with its marks. */
const wordPattern = new RegExp(
  `[${SPACELESS_LETTERS}]\\p{M}*|(?:(?![${SPACELESS_LETTERS}])[\\p{L}\\p{N}\\p{M}'’])+`,
  'gu',
);

const startsSpaceless = new RegExp(`^[${SPACELESS_LETTERS}]`, 'u');

/** A text that ends in a unit of words said over and over. */
export interface RepeatedTail {
  /** How often the unit stands there in full, at least 2. */
  readonly repetitions: number;
  /** Words of the unit. */
  readonly unitWords: number;
  /** Index behind its first repetition, in UTF-16 units. */
  readonly firstEnd: number;
}

/**
 * The loop that a text ends in, in any case and with any punctuation between its words; the last repetition need not be
 * complete. Of several the one that reaches back farthest; null when its end is said once.
 *
 * @example
 * repeatedTail('Good. Thank you. Thank you. Thank'); // { repetitions: 2, unitWords: 2, firstEnd: 15 }
 * repeatedTail('Turn on the light.'); // null
 */
export function repeatedTail(text: string): RepeatedTail | null {
  const words: string[] = [];
  const ends: number[] = [];
  for (const match of text.matchAll(wordPattern)) {
    words.push(match[0].toLowerCase());
    ends.push(match.index + match[0].length);
  }
  const spaceless = words.filter((word) => startsSpaceless.test(word)).length;
  const longest = 2 * spaceless > words.length ? LONGEST_CHARACTERS : LONGEST_WORDS;
  let found: RepeatedTail | null = null;
  let covered = 0;
  for (let unit = 1; unit <= longest && 2 * unit <= words.length; unit++) {
    let run = 0;
    while (run + unit < words.length && words.at(-1 - run) === words.at(-1 - run - unit)) run++;
    const repetitions = Math.floor(run / unit) + 1;
    if (repetitions < 2 || run + unit <= covered) continue;
    covered = run + unit;
    found = { repetitions, unitWords: unit, firstEnd: ends[words.length - run - 1]! };
  }
  return found;
}

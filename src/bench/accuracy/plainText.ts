/** Letters that Unicode does not decompose into a base letter and a mark, with their customary plain spelling. */
const PLAIN_LETTERS: ReadonlyMap<string, string> = new Map([
  ['œ', 'oe'],
  ['Œ', 'OE'],
  ['ø', 'o'],
  ['Ø', 'O'],
  ['æ', 'ae'],
  ['Æ', 'AE'],
  ['ß', 'ss'],
  ['ẞ', 'SS'],
  ['đ', 'd'],
  ['Đ', 'D'],
  ['ð', 'd'],
  ['Ð', 'D'],
  ['þ', 'th'],
  ['Þ', 'th'],
  ['ł', 'l'],
  ['Ł', 'L'],
]);

/** Marks, symbols and punctuation: what is not part of a word in any script's plain spelling. */
const NOT_A_WORD = /[\p{M}\p{S}\p{P}]/u;
const NON_SPACING_MARK = /\p{Mn}/u;

/**
 * Removes diacritics and turns every symbol and punctuation mark into a space: Whisper's rule for English. The text
 * is decomposed first (NFKD), so "é" becomes "e" and "½" the digits around a fraction slash.
 *
 * @param text any text
 * @param keep characters that stay as they are
 * @example
 * removeSymbolsAndDiacritics('Café – 5 %', '%'); // 'Cafe   5 %'
 */
export function removeSymbolsAndDiacritics(text: string, keep = ''): string {
  let plain = '';
  for (const character of text.normalize('NFKD')) {
    if (keep.includes(character)) plain += character;
    else if (PLAIN_LETTERS.has(character)) plain += PLAIN_LETTERS.get(character)!;
    else if (NON_SPACING_MARK.test(character)) continue;
    else plain += NOT_A_WORD.test(character) ? ' ' : character;
  }
  return plain;
}

/**
 * Removes what is written in brackets, which is no speech: stage directions like "[music]", "<unk>" or "(laughs)".
 * The rules are Whisper's, so the kinds of square and pointed brackets need not match.
 */
export function removeBracketed(text: string): string {
  return text.replace(/[<[][^>\]]*[>\]]/g, '').replace(/\(([^)]+?)\)/g, '');
}

/** Runs of white space become one space; none is left at the ends. */
export function collapseSpaces(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

/*
 * Python's \b, which the published rules are written with, treats every Unicode letter and digit as part of a word.
 * JavaScript's knows ASCII only and would see a word begin after "é". These are to be used with the flag u.
 */
const WORD = '[\\p{L}\\p{N}_]';

/** Pattern for the place before the first character of a word. */
export const WORD_START = `(?<!${WORD})`;

/** Pattern for the place after the last character of a word. */
export const WORD_END = `(?!${WORD})`;

/**
 * The rule set `multilingual-1`: brings text of any language into a form that can be compared, by the rules of Whisper's basic normaliser: lower case,
 * compatibility forms unified (NFKC: full-width letters, ligatures), bracketed text removed, symbols and punctuation
 * turned into spaces. Unlike those rules, which the Open ASR Leaderboard follows too, it keeps combining marks, which are
 * part of the spelling in Indic scripts, Thai or vowelled Arabic, and removes invisible format characters. Since March 2026
 * that leaderboard also writes numbers as words and forgives compounds that are written apart.
 *
 * Numbers stay as written and characters are not converted between traditional and simplified Chinese.
 *
 * @param text any text
 * @returns words separated by single spaces, none at the ends
 * @example
 * normalizeMultilingual('¿Qué tal, Señor? (risas)'); // 'qué tal señor'
 */
export function normalizeMultilingual(text: string): string {
  const words = removeBracketed(text.toLowerCase())
    .normalize('NFKC')
    .replace(/[\p{S}\p{P}]/gu, ' ')
    .replace(/\p{Cf}/gu, '')
    .toLowerCase();
  return collapseSpaces(words);
}

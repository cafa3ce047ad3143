import { collapseSpaces, removeBracketed } from './plainText.js';

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

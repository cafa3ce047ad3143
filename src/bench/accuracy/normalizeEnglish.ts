import { americanSpelling } from './americanSpelling.js';
import { joinInitialisms, removeEllipses } from './englishAbbreviations.js';
import { expandContractions, removeFillers } from './englishContractions.js';
import { normalizeNumbers } from './englishNumbers.js';
import { collapseSpaces, removeBracketed, removeSymbolsAndDiacritics } from './plainText.js';

/**
 * The rule set `english-1`: brings English text into a form that can be compared, by the rules of Whisper's English
 * normaliser (Radford et al. 2022, appendix C) with two additions (ellipses and initialisms):
 * lower case; without brackets, hesitations, punctuation and diacritics; contractions and titles in full, numbers in
 * digits, American spelling. Two texts that say the same then mostly read the same, and what differs is an error of
 * recognition.
 *
 * It repeats those rules with their oddities: typographic apostrophes are punctuation, "3.1" becomes "3 one", "ninth"
 * stays a word, "'s" always means "is". Rates by them compare with those that were published by the Open ASR Leaderboard
 * until April 2026. Since then it also removes more hesitations ("ah", "huh"), joins letters that are spelled out, unifies
 * names and compounds, and takes "'s" for "is" after pronouns and question words only: by its rules of today an error
 * rate is mostly a little lower.
 *
 * @param text any text
 * @returns words separated by single spaces, none at the ends
 * @example
 * normalizeEnglish("Mr. Park's colour-blind, um, twenty-first [laughter]"); // 'mister park is color blind 21st'
 */
export function normalizeEnglish(text: string): string {
  const spoken = removeFillers(removeBracketed(removeEllipses(text.toLowerCase())));
  const expanded = expandContractions(joinInitialisms(spoken.replace(/\s+'/g, "'")));
  const bare = removeSymbolsAndDiacritics(
    expanded
      .replace(/(\d),(\d)/g, '$1$2') // thousands separators
      .replace(/\.([^0-9]|$)/g, ' $1'), // full stops, but not decimal points
    '.%$¢€£',
  );
  const spelled = normalizeNumbers(bare)
    .split(' ')
    .map((word) => americanSpelling.get(word) ?? word)
    .join(' ');
  return collapseSpaces(spelled.replace(/[.$¢€£]([^0-9])/g, ' $1').replace(/([^0-9])%/g, '$1 '));
}

import { americanSpelling } from './americanSpelling.js';
import { joinInitialisms, removeEllipses } from './englishAbbreviations.js';
import { expandContractions, removeFillers } from './englishContractions.js';
import { normalizeNumbers } from './englishNumbers.js';
import { collapseSpaces, removeBracketed, removeSymbolsAndDiacritics } from './plainText.js';

/**
 * Brings English text into the form in which ASR leaderboards compare it, by the rules of Whisper's English normaliser
 * (Radford et al. 2022, appendix C) with the two additions of the Open ASR Leaderboard (ellipses and initialisms):
 * lower case; without brackets, hesitations, punctuation and diacritics; contractions and titles in full, numbers in
 * digits, American spelling. Two texts that say the same then mostly read the same, and what differs is an error of
 * recognition.
 *
 * It repeats those rules with their oddities, so that rates compare with published ones: typographic apostrophes are
 * punctuation, "3.1" becomes "3 one", "ninth" stays a word, "'s" always means "is".
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

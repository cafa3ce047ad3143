import { americanSpelling } from './americanSpelling.js';
import { normalizeNumbers } from './englishNumbers.js';
import {
  collapseSpaces,
  removeBracketed,
  removeSymbolsAndDiacritics,
  WORD_END,
  WORD_START,
} from './plainText.js';

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

type Rule = readonly [pattern: RegExp, replacement: string];

/** Words written as they are slurred. "ain't" has no single meaning and only loses its apostrophe. */
const COLLOQUIAL: readonly Rule[] = wholeWords({
  "won't": 'will not',
  "can't": 'can not',
  "let's": 'let us',
  "ain't": 'aint',
  "y'all": 'you all',
  wanna: 'want to',
  gotta: 'got to',
  gonna: 'going to',
  "i'ma": 'i am going to',
  imma: 'i am going to',
  woulda: 'would have',
  coulda: 'could have',
  shoulda: 'should have',
  "ma'am": 'madam',
});

/** Titles, with a space after them that a following full stop turns into nothing. */
const TITLES: readonly Rule[] = wholeWords({
  mr: 'mister ',
  mrs: 'missus ',
  st: 'saint ',
  dr: 'doctor ',
  prof: 'professor ',
  capt: 'captain ',
  gov: 'governor ',
  ald: 'alderman ',
  gen: 'general ',
  sen: 'senator ',
  rep: 'representative ',
  pres: 'president ',
  rev: 'reverend ',
  hon: 'honorable ',
  asst: 'assistant ',
  assoc: 'associate ',
  lt: 'lieutenant ',
  col: 'colonel ',
  jr: 'junior ',
  sr: 'senior ',
  esq: 'esquire ',
});

/** "'s" and "'d" before a participle that tells "has" from "is" and "had" from "would". */
const PERFECT: readonly Rule[] = wordEnds({
  "'d been": ' had been',
  "'s been": ' has been',
  "'d gone": ' had gone',
  "'s gone": ' has gone',
  "'d done": ' had done',
  "'s got": ' has got',
});

/** The regular endings, in this order: "n't" before "'t". */
const ENDINGS: readonly Rule[] = wordEnds({
  "n't": ' not',
  "'re": ' are',
  "'s": ' is',
  "'d": ' would',
  "'ll": ' will',
  "'t": ' not',
  "'ve": ' have',
  "'m": ' am',
});

const RULES: readonly Rule[] = [...COLLOQUIAL, ...TITLES, ...PERFECT, ...ENDINGS];
const FILLERS = new RegExp(`${WORD_START}(?:hmm|mm|mhm|mmm|uh|um)${WORD_END}`, 'gu');

/**
 * Writes contractions, slurred words and titles out in full: "he's" → "he is", "Dr" → "doctor ", by the rules and in
 * the order of Whisper's English normaliser.
 *
 * @param text in lower case
 * @example
 * expandContractions("i'd gone, mr park won't"); // 'i had gone, mister  park will not'
 */
function expandContractions(text: string): string {
  let expanded = text;
  for (const [pattern, replacement] of RULES) expanded = expanded.replace(pattern, replacement);
  return expanded;
}

/** Removes the sounds of hesitation "hmm", "mm", "mhm", "mmm", "uh" and "um". */
function removeFillers(text: string): string {
  return text.replace(FILLERS, '');
}

function wholeWords(replacements: Readonly<Record<string, string>>): Rule[] {
  return Object.entries(replacements).map(([word, full]) => [
    new RegExp(WORD_START + word + WORD_END, 'gu'),
    full,
  ]);
}

function wordEnds(replacements: Readonly<Record<string, string>>): Rule[] {
  return Object.entries(replacements).map(([ending, full]) => [new RegExp(ending + WORD_END, 'gu'), full]);
}

/** Letters with full stops between them: "u.s", "p.m.", "n.a.s.a."; the longest first. */
const INITIALISMS = [4, 3, 2].map((letters) => {
  const pattern = `${WORD_START}${Array(letters).fill('([a-z])').join('\\.')}`;
  // A final stop belongs to it only when a word follows at once; otherwise it is a full stop like any other.
  return new RegExp(`${pattern}(?:\\.(?=[\\p{L}\\p{N}_])|${WORD_END})`, 'gu');
});

/** "c.e.o.s" */
const PLURAL_INITIALISM = new RegExp(`${WORD_START}([a-z])\\.([a-z])\\.([a-z])\\.s${WORD_END}`, 'gu');

/**
 * Writes initialisms without full stops, "U.S." like "US" and "p.m." like "pm", by the rule that the Open ASR
 * Leaderboard adds to Whisper's: two to four single letters, or three and a plural s.
 *
 * @param text in lower case
 * @example
 * joinInitialisms('the u.s. at 5 p.m.'); // 'the us. at 5 pm.'
 */
function joinInitialisms(text: string): string {
  let joined = text.replace(PLURAL_INITIALISM, '$1$2$3s');
  for (const pattern of INITIALISMS) joined = joined.replace(pattern, (match) => match.replaceAll('.', ''));
  return joined;
}

/**
 * Removes ellipses, the other addition of the leaderboard: Whisper's rules would leave a lone full stop, and count it
 * as a word. The single character "…" counts as three stops.
 */
function removeEllipses(text: string): string {
  return text.replace(/…/g, '...').replace(/\s*\.{3,}\s*/g, ' ');
}

import { WORD_END, WORD_START } from './wordBoundary.js';

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
export function expandContractions(text: string): string {
  let expanded = text;
  for (const [pattern, replacement] of RULES) expanded = expanded.replace(pattern, replacement);
  return expanded;
}

/** Removes the sounds of hesitation "hmm", "mm", "mhm", "mmm", "uh" and "um". */
export function removeFillers(text: string): string {
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

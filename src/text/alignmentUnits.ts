import { whiteSpace } from './whiteSpace.js';

/** What gets a start and an end of its own. */
export interface AlignmentUnit {
  /** Letters, numbers and apostrophes; NFC. */
  readonly text: string;
  /** Where it stands: UTF-16 units from textStart to before textEnd, marks between its letters included. */
  readonly textStart: number;
  readonly textEnd: number;
}

/** What Python's `str.split()` leaves between its separators. */
const PART = new RegExp(`[^${whiteSpace}\\x1c-\\x1f]+`, 'gu');

/** A character with the marks that follow it, which NFC may make one of. */
const CHARACTER = /\P{M}\p{M}*|\p{M}+/gu;

/** General categories L* and N*, and the apostrophe: everything else has no sound of its own. */
const KEPT = /[\p{L}\p{N}']/u;

/** The blocks that the published package takes for ideographs. */
const IDEOGRAPH = /[\u4e00-\u9fff\u3400-\u4dbf\u{20000}-\u{2ceaf}\uf900-\ufaff]/u;

const KANA = /[\p{Script=Hiragana}\p{Script=Katakana}]/u;
const HANGUL = /\p{Script=Hangul}/u;

/**
 * The units of a text that an aligner times: the words between white space, stripped of what is neither letter, number nor
 * apostrophe, in which every ideograph is a unit of its own. Japanese is cut by the platform's dictionary
 * (`Intl.Segmenter`; the published package uses nagisa), Korean at white space only (there: soynlp's dictionary).
 *
 * @param language name such as `Japanese`; '' when unknown: then kana or hangul tell
 * @example
 * alignmentUnits("It's 5 o'clock: 早上!", 'English').map(({ text }) => text); // ["It's", '5', "o'clock", '早', '上']
 */
export function alignmentUnits(text: string, language: string): AlignmentUnit[] {
  switch (language === '' ? languageOfScript(text) : language) {
    case 'Japanese':
      return japaneseParts(text).flatMap(([part, at]) => unitsOf(part, at, false));
    case 'Korean':
      return spacedParts(text).flatMap(([part, at]) => unitsOf(part, at, false));
    default:
      return spacedParts(text).flatMap(([part, at]) => unitsOf(part, at, true));
  }
}

function languageOfScript(text: string): string {
  if (KANA.test(text)) return 'Japanese';
  return HANGUL.test(text) ? 'Korean' : '';
}

/** A piece of the text and where it begins. */
type Part = readonly [part: string, at: number];

function spacedParts(text: string): Part[] {
  return Array.from(text.matchAll(PART), (match): Part => [match[0], match.index]);
}

function japaneseParts(text: string): Part[] {
  const words = new Intl.Segmenter('ja', { granularity: 'word' }).segment(text);
  return Array.from(words, ({ segment, index }): Part => [segment, index]);
}

/** The kept characters of a part: as one unit, or as runs between ideographs. */
function unitsOf(part: string, at: number, splitsIdeographs: boolean): AlignmentUnit[] {
  const units: AlignmentUnit[] = [];
  let run = null as AlignmentUnit | null;
  for (const { 0: cluster, index } of part.matchAll(CHARACTER)) {
    const kept = [...cluster.normalize('NFC')].filter((character) => KEPT.test(character)).join('');
    if (kept === '') continue;
    const [textStart, textEnd] = [at + index, at + index + cluster.length];
    if (splitsIdeographs && IDEOGRAPH.test(kept)) {
      if (run !== null) units.push(run);
      units.push({ text: kept, textStart, textEnd });
      run = null;
    } else {
      run = { text: (run?.text ?? '') + kept, textStart: run?.textStart ?? textStart, textEnd };
    }
  }
  if (run !== null) units.push(run);
  return units.map((unit) => ({ ...unit, text: unit.text.normalize('NFC') }));
}

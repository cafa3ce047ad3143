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

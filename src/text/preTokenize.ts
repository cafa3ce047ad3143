import { whiteSpace } from './whiteSpace.js';

/**
 * The published pre-tokeniser, as `tokenizer.json` states it. Compared with what a directory's own file says; not
 * compiled, since Node 20 has no inline flags.
 */
export const PUBLISHED_PATTERN =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

/**
 * `(?i:'s|'t|'re|'ve|'m|'ll|'d)` case by case. U+017F, the long s, folds to s; no other character outside ASCII
 * folds to one of these letters.
 */
const CONTRACTION = "'(?:[sS\\u017ftTmMdD]|[rR][eE]|[vV][eE]|[lL][lL])";

const pattern = new RegExp(
  [
    CONTRACTION,
    '[^\\r\\n\\p{L}\\p{N}]?\\p{L}+',
    '\\p{N}',
    ` ?[^${whiteSpace}\\p{L}\\p{N}]+[\\r\\n]*`,
    `[${whiteSpace}]*[\\r\\n]+`,
    `[${whiteSpace}]+(?![^${whiteSpace}])`,
    `[${whiteSpace}]+`,
  ].join('|'),
  'gu',
);

/**
 * Cuts text into the words that byte-pair merging works within: contractions, letters with at most one leading
 * character, single digits, punctuation, line breaks, spaces. Lossless: the words join to the text.
 * `text` should be in NFC. Letters and numbers are those of the runtime's Unicode version.
 *
 * @example
 * preTokenize("I'll take 20."); // ['I', "'ll", ' take', ' ', '2', '0', '.']
 */
export function preTokenize(text: string): string[] {
  return text.match(pattern) ?? [];
}

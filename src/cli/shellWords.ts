import { QwenAsrError } from '../error.js';

/** An unquoted piece, '…' (all as it is), "…" (in which a backslash escapes " and \), or a backslash and what it escapes. */
const PIECE = /[^\s'"\\]+|'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)/y;

/**
 * Splits a text into words as a POSIX shell does, without its expansions: blanks separate, quotes join.
 *
 * @param option named in the message
 * @throws QwenAsrError `usage` for a quote that is not closed
 * @example
 * shellWords("-t 2 -d 'my models/0.6b'", '--vs'); // ['-t', '2', '-d', 'my models/0.6b']
 */
export function shellWords(text: string, option: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  for (let at = 0; at < text.length; ) {
    if (/\s/.test(text[at] ?? '')) {
      if (word !== undefined) words.push(word);
      word = undefined;
      at++;
      continue;
    }
    PIECE.lastIndex = at;
    const piece = PIECE.exec(text);
    if (piece === null) {
      throw new QwenAsrError('usage', `${option}: expected closed quotes, found ${JSON.stringify(text)}`);
    }
    const [whole, single, double, escaped] = piece;
    word = (word ?? '') + (single ?? double?.replace(/\\(["\\])/g, '$1') ?? escaped ?? whole);
    at += whole.length;
  }
  if (word !== undefined) words.push(word);
  return words;
}

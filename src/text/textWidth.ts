/** What a terminal is sure to have. */
export const DEFAULT_COLUMNS = 80;

/** Characters that take two columns: the scripts of East Asia, full-width forms, pictures (Unicode TR 11 and 51). */
const WIDE =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Bopomofo}\p{Script=Yi}\p{Emoji_Presentation}\u3000-\u303e\uff01-\uff60\uffe0-\uffe6]/u;

/** Marks that join the character before them, and what is not seen. */
const ZERO = /[\p{M}\p{Cf}]/u;

/** Columns that a character takes on a terminal. */
export function characterWidth(character: string): 0 | 1 | 2 {
  if (character >= ' ' && character <= '~') return 1;
  if (ZERO.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}

const GRAPHEMES = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** What is drawn as one character: a letter with its marks, or an emoji, whatever it is put together from. */
function graphemesOf(line: string): string[] {
  if (/^[ -~]*$/.test(line)) return [...line];
  return Array.from(GRAPHEMES.segment(line), ({ segment }) => segment);
}

function graphemeWidth(grapheme: string): number {
  // Variation selector 16 asks for a picture.
  return grapheme.includes('\ufe0f') ? 2 : Math.max(0, ...Array.from(grapheme, characterWidth));
}

/** Columns of a text of one line. */
export function textWidth(line: string): number {
  return graphemesOf(line).reduce((sum, grapheme) => sum + graphemeWidth(grapheme), 0);
}

/** The text with blanks behind it, up to so many columns. */
export function padEnd(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - textWidth(text)));
}

/** The text with blanks before it, up to so many columns. */
export function padStart(text: string, columns: number): string {
  return ' '.repeat(Math.max(0, columns - textWidth(text))) + text;
}

/** As much of the end of a line as `columns` have room for. */
export function fitEnd(line: string, columns: number): string {
  let width = 0;
  let kept = '';
  for (const grapheme of graphemesOf(line).reverse()) {
    width += graphemeWidth(grapheme);
    if (width > columns) break;
    kept = grapheme + kept;
  }
  return kept;
}

/** As much of a line as `columns` have room for, with an ellipsis where something was cut off. */
export function fitWidth(line: string, columns: number): string {
  let width = 0;
  let kept = '';
  for (const grapheme of graphemesOf(line)) {
    width += graphemeWidth(grapheme);
    if (width < columns) kept += grapheme;
  }
  return width <= columns ? line : `${kept}…`;
}

/**
 * A text in lines of at most so many columns, broken at blanks: a word that is longer stays whole. Blanks that the text
 * begins with indent all of its lines.
 *
 * @example
 * wrapText('one two three', 8); // ['one two', 'three']
 */
export function wrapText(text: string, columns: number): string[] {
  const indent = /^ */.exec(text)?.[0] ?? '';
  const lines: string[] = [];
  for (const word of text.slice(indent.length).split(' ')) {
    const longer = `${lines.at(-1)} ${word}`;
    if (lines.length > 0 && textWidth(longer) <= columns) lines[lines.length - 1] = longer;
    else lines.push(indent + word);
  }
  return lines;
}

/** A line in parts of at most so many columns, each at least one character. */
export function splitWidth(line: string, columns: number): string[] {
  const parts: string[] = [];
  let width = Number.POSITIVE_INFINITY;
  for (const grapheme of graphemesOf(line)) {
    width += graphemeWidth(grapheme);
    if (width > columns) {
      parts.push('');
      width = graphemeWidth(grapheme);
    }
    parts[parts.length - 1] += grapheme;
  }
  return parts;
}

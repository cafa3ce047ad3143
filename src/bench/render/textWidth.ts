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

/** Columns of a text of one line. */
export function textWidth(line: string): number {
  return Array.from(line, characterWidth).reduce((sum: number, width) => sum + width, 0);
}

/** As much of a line as `columns` have room for, with an ellipsis where something was cut off. */
export function fitWidth(line: string, columns: number): string {
  let width = 0;
  let kept = '';
  for (const character of line) {
    width += characterWidth(character);
    if (width < columns) kept += character;
  }
  return width <= columns ? line : `${kept}…`;
}

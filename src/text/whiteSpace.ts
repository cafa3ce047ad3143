/**
 * Unicode's White_Space property as the inside of a regular-expression class. JavaScript's `\s` is another set: it
 * has U+FEFF and lacks U+0085. (Unicode 17, PropList.txt; unchanged since 6.3.)
 */
export const whiteSpace = '\\t-\\r \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';

/** What Python's `str.strip()` removes: White_Space and the four information separators. */
const STRIPPED = `${whiteSpace}\\x1c-\\x1f`;

const leading = new RegExp(`^[${STRIPPED}]+`, 'u');
const strippedCharacter = new RegExp(`[${STRIPPED}]`, 'u');

/** Removes what Python's `str.lstrip()` removes. */
export function stripStart(text: string): string {
  return text.replace(leading, '');
}

/** Removes what Python's `str.rstrip()` removes; walks back, because `[…]+$` is quadratic in runs of spaces. */
export function stripEnd(text: string): string {
  let end = text.length;
  while (end > 0 && strippedCharacter.test(text.charAt(end - 1))) end--;
  return text.slice(0, end);
}

/**
 * Removes what Python's `str.strip()` removes, which the published output parsing uses. U+FEFF stays.
 *
 * @example
 * strip('\u0085 text\n'); // 'text'
 */
export function strip(text: string): string {
  return stripEnd(stripStart(text));
}

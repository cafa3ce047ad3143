/** What gives commands to a terminal, or makes letters stand elsewhere than they were written: in no text of any use. */
const COMMANDS = '\\p{Cc}\\u2028\\u2029\\u202a-\\u202e\\u2066-\\u2069';

/** Marks of direction beside them, which texts of some languages need and names do not. */
const MARKS = '\\u061c\\u200e\\u200f';

const IN_LINES = new RegExp(`[${COMMANDS}${MARKS}]`, 'gu');
const IN_TEXTS = new RegExp(`[${COMMANDS}]`, 'gu');

/**
 * A line of text whose control characters are written out, so that a file's name cannot break a line, give commands to
 * the terminal, or read otherwise than it is written.
 *
 * @example
 * printableLine('new\nline'); // 'new\\nline'
 */
export function printableLine(text: string): string {
  return text.replace(IN_LINES, escapeCharacter);
}

/** The same for what a model wrote, or for many lines: line feeds and tabs stay. */
export function printableText(text: string): string {
  return text.replace(IN_TEXTS, (character) =>
    character === '\n' || character === '\t' ? character : escapeCharacter(character),
  );
}

/**
 * A document of plain data with every text in it as {@link printableLine} writes it: to be shown, never to be kept.
 *
 * @example
 * printableDocument({ path: 'a\u001b[2J.wav' }); // { path: 'a\\x1b[2J.wav' }
 */
export function printableDocument<Document>(document: Document): Document {
  return printableValue(document) as Document;
}

function printableValue(value: unknown): unknown {
  if (typeof value === 'string') return printableLine(value);
  if (Array.isArray(value)) return value.map(printableValue);
  if (value === null || typeof value !== 'object' || Object.getPrototypeOf(value) !== Object.prototype) {
    return value;
  }
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, printableValue(part)]));
}

const SHORT_ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function escapeCharacter(character: string): string {
  const code = character.charCodeAt(0);
  const digits = code.toString(16);
  const long = code > 0xff ? `\\u${digits.padStart(4, '0')}` : `\\x${digits.padStart(2, '0')}`;
  return SHORT_ESCAPES[character] ?? long;
}

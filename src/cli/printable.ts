/**
 * A line of text whose control characters are written out, so that a file's name cannot break a line or give commands to
 * the terminal.
 *
 * @example
 * printableLine('new\nline'); // 'new\\nline'
 */
export function printableLine(text: string): string {
  return text.replace(/\p{Cc}/gu, escapeCharacter);
}

/** The same for what a model wrote: its line feeds and tabs stay. */
export function printableText(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) =>
    character === '\n' || character === '\t' ? character : escapeCharacter(character),
  );
}

const SHORT_ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function escapeCharacter(character: string): string {
  const code = character.charCodeAt(0).toString(16).padStart(2, '0');
  return SHORT_ESCAPES[character] ?? `\\x${code}`;
}

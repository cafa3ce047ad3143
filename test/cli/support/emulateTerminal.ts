import { characterWidth } from '../../../src/text/textWidth.js';

/**
 * What stands on a terminal of so many columns after output was written to it, a string a line, without blanks at the ends.
 * Knows what this project writes: line feeds (which return the carriage), carriage returns, EL 2, ED 0, CUU, CHA; colours are left out. A full line
 * is only left when the next character comes, as on every terminal since the VT100.
 */
export function emulateTerminal(output: string, columns: number): string[] {
  const rows: string[][] = [[]];
  let row = 0;
  let column = 0;
  const at = (): string[] => {
    while (rows.length <= row) rows.push([]);
    return rows[row]!;
  };
  for (const token of output.match(/\p{Cc}\[\d*[A-Zm]|[\s\S]/gu) ?? []) {
    const [, count, command] = /^\p{Cc}\[(\d*)([A-Zm])$/u.exec(token) ?? [];
    if (command === 'm') continue;
    if (command === 'K') at().length = 0;
    else if (command === 'J') {
      rows.length = row + 1;
      at().length = Math.min(at().length, column);
    } else if (command === 'A') row = Math.max(0, row - Number(count || 1));
    else if (command === 'G') column = Number(count || 1) - 1;
    else if (command !== undefined) throw new Error(`unknown command ${JSON.stringify(token)}`);
    else if (token === '\r') column = 0;
    else if (token === '\n') {
      row++;
      column = 0;
      at();
    } else {
      const width = characterWidth(token);
      if (width === 0) {
        at()[Math.max(0, column - 1)] += token;
        continue;
      }
      if (column + width > columns) {
        row++;
        column = 0;
      }
      const cells = at();
      while (cells.length < column) cells.push(' ');
      cells[column] = token;
      if (width === 2) cells[column + 1] = '';
      column += width;
    }
  }
  return rows.map((cells) => cells.join('').trimEnd());
}

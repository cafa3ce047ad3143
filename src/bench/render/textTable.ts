import type { FigureTable } from '../document/block.js';
import { wordColumns } from '../document/block.js';

/** What a terminal is sure to have. */
const TERMINAL_COLUMNS = 80;
const GAP = '  ';
/** Titles may stand on so many lines when the table is too wide otherwise. */
const MOST_TITLE_LINES = 3;

/**
 * A table as lines of text: words to the left, figures to the right. When its titles make it wider than
 * a terminal they stand on two lines, or three.
 *
 * @example
 * textTable({ header: ['cell', 'total ms'], rows: [['base', '1812']] }); // ['cell  total ms', 'base      1812']
 */
export function textTable(table: FigureTable): string[] {
  const { header, rows } = table;
  const words = wordColumns(table);
  const contents = header.map((_, column) => Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)));
  for (let lines = 1; ; lines++) {
    const heads = headOf(header, contents, lines);
    const widths = contents.map((width, column) =>
      Math.max(width, ...heads.map((head) => head[column]?.length ?? 0)),
    );
    const total = widths.reduce((sum, width) => sum + width + GAP.length, -GAP.length);
    if (total > TERMINAL_COLUMNS && lines < MOST_TITLE_LINES) continue;
    return [...heads, ...rows].map((row) => formatRow(row, widths, words));
  }
}

function formatRow(row: readonly string[], widths: readonly number[], words: readonly boolean[]): string {
  return row
    .map((text, column) => {
      const width = widths[column] ?? 0;
      return words[column] ? text.padEnd(width) : text.padStart(width);
    })
    .join(GAP)
    .trimEnd();
}

/** The titles on at most so many lines, those of fewer at the bottom. */
function headOf(header: readonly string[], contents: readonly number[], lines: number): readonly string[][] {
  const titles = header.map((title, column) => breakTitle(title, contents[column] ?? 0, lines));
  const height = Math.max(...titles.map((parts) => parts.length));
  return Array.from({ length: height }, (_, line) =>
    titles.map((parts) => parts[line - height + parts.length] ?? ''),
  );
}

/** A title in at most so many parts, as narrow as that allows, but no narrower than its figures. */
function breakTitle(title: string, contentWidth: number, lines: number): readonly string[] {
  for (let width = contentWidth; width < title.length; width++) {
    const parts = fill(title, width);
    if (parts.length <= lines && parts.every((part) => part.length <= width)) return parts;
  }
  return [title];
}

/** The title in lines of a width, broken at blanks and behind underscores. */
function fill(title: string, width: number): string[] {
  const lines: string[] = [];
  for (const [, word = '', blank = ''] of title.matchAll(/([^ _]+_?)( ?)/g)) {
    const before = lines.at(-1);
    const piece = word + blank;
    if (before !== undefined && (before + piece).trimEnd().length <= width) {
      lines[lines.length - 1] = before + piece;
    } else lines.push(piece);
  }
  return lines.map((line) => line.trimEnd());
}

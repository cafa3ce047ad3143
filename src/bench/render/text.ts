import type { Block, Note, TableBlock } from '../document/block.js';
import { reportOutline, textOutline } from '../document/sections.js';
import type { BenchResult } from '../schema/benchResult.js';
import { DEFAULT_COLUMNS, textTable } from './textTable.js';

/**
 * The whole document as plain text: what `--export FILE.txt` writes and `report` prints.
 *
 * @param columns that tables may take
 */
export function formatText(result: BenchResult, columns = DEFAULT_COLUMNS): string {
  return renderText(textOutline(result), columns);
}

/** What the text says after the runs, a blank line before each block (`reportOutline`). */
export function formatReport(result: BenchResult, withDoubts: boolean, columns = DEFAULT_COLUMNS): string {
  const text = renderText(reportOutline(result, withDoubts), columns);
  return text === '' ? '' : `\n${text}`;
}

/** Blocks with a blank line between them; what only pages can show is left out. */
export function renderText(blocks: readonly Block[], columns = DEFAULT_COLUMNS): string {
  return blocks
    .flatMap((block) => linesOf(block, columns))
    .filter((lines) => lines.length > 0)
    .map((lines) => `${lines.join('\n')}\n`)
    .join('\n');
}

/** A block, or several where it takes blank lines inside. */
function linesOf(block: Block, columns: number): string[][] {
  switch (block.kind) {
    case 'heading':
      return [[block.detail === undefined ? block.text : `${block.text}: ${block.detail}`]];
    case 'table':
      return block.grouped
        ? groupsOf(block).map((group) => tableLines(group, columns))
        : [tableLines(block, columns)];
    case 'notes':
      return [block.notes.map(noteLine)];
    case 'facts': {
      const width = Math.max(...block.facts.map(([label]) => label.length));
      return [block.facts.map(([label, text]) => `${label.padEnd(width)}  ${text}`)];
    }
    default:
      return [];
  }
}

function noteLine({ label, text }: Note): string {
  return label === null ? text : `${label}: ${text}`;
}

function tableLines({ table, title, detail }: TableBlock, columns: number): string[] {
  const lines = textTable(table, columns);
  if (title === undefined) return lines;
  return [detail === undefined ? `${title}:` : `${title}: ${detail}`, ...lines];
}

/** A table of its own for each first cell. */
function groupsOf({ table }: TableBlock): TableBlock[] {
  const [, , ...header] = table.header;
  const titles = [...new Set(table.rows.map(([title = '']) => title))];
  return titles.map((title) => ({
    kind: 'table',
    title,
    table: {
      header: ['', ...header],
      rows: table.rows.filter(([first]) => first === title).map(([, ...row]) => row),
    },
  }));
}

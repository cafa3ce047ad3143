import { DEFAULT_COLUMNS, padEnd, padStart, textWidth, wrapText } from '../../text/textWidth.js';
import { isLoadResult } from '../analysis/summarizeLoad.js';
import { wholeMetric } from '../analysis/summarizeResult.js';
import type { PlotStyle } from '../chart/plotStyle.js';
import { terminalPicture } from '../chart/terminalPicture.js';
import { type Block, type FigureTable, type Note, type TableBlock, wordColumns } from '../document/block.js';
import { intervalsOf, timeLines } from '../document/charts.js';
import { loadPictures } from '../document/loadCharts.js';
import { phaseBar, sampleRow } from '../document/runCharts.js';
import { reportOutline, textOutline } from '../document/sections.js';
import type { BenchResult } from '../schema/benchResult.js';

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

const GAP = '  ';
/** Titles may stand on so many lines when the table is too wide otherwise. */
const MOST_TITLE_LINES = 3;

/**
 * A table as lines of text: words to the left, figures to the right, by the columns that characters take. Where it is
 * wider than the terminal its titles stand on two lines, or three, broken at blanks; else they give way to shorter ones,
 * and the widest column of words takes several lines; and where that is not enough, the columns that do not fit follow
 * below, behind those that say what a row is of.
 *
 * @param columns of the terminal
 * @example
 * textTable({ header: ['cell', 'total ms'], rows: [['base', '1812']] }); // ['cell  total ms', 'base      1812']
 */
export function textTable(table: FigureTable, columns = DEFAULT_COLUMNS): string[] {
  const short = { ...table, header: table.shortHeader ?? table.header };
  for (const variant of [table, short]) {
    for (let lines = 1; lines <= MOST_TITLE_LINES; lines++) {
      const layout = layOut(variant, lines);
      if (layout.width <= columns) return layout.lines;
    }
  }
  const wrapped = layOut(wrapWords(short, columns), MOST_TITLE_LINES, wordColumns(short));
  if (wrapped.width <= columns) return wrapped.lines;
  const parts = splitColumns(short, columns);
  return parts.flatMap((part, index) => [
    ...(index === 0 ? [] : ['']),
    ...layOut(part, MOST_TITLE_LINES).lines,
  ]);
}

interface Layout {
  readonly width: number;
  readonly lines: string[];
}

function layOut(table: FigureTable, titleLines: number, words = wordColumns(table)): Layout {
  const { header, rows } = table;
  const contents = header.map((_, column) => widest(rows, column));
  const heads = headOf(header, contents, titleLines);
  const widths = contents.map((width, column) => Math.max(width, widest(heads, column)));
  return {
    width: widths.reduce((sum, width) => sum + width + GAP.length, -GAP.length),
    lines: [...heads, ...rows].map((row) => formatRow(row, widths, words)),
  };
}

function widest(rows: readonly (readonly string[])[], column: number): number {
  return Math.max(0, ...rows.map((row) => textWidth(row[column] ?? '')));
}

function formatRow(row: readonly string[], widths: readonly number[], words: readonly boolean[]): string {
  return row
    .map((text, column) => (words[column] ? padEnd : padStart)(text, widths[column] ?? 0))
    .join(GAP)
    .trimEnd();
}

/** The table with the cells of its widest column of words on as many rows as bring it into these columns. */
function wrapWords(table: FigureTable, columns: number): FigureTable {
  const { rows } = table;
  const isWords = wordColumns(table);
  const widths = table.header.map((_, column) => (isWords[column] ? widest(rows, column) : 0));
  const wide = widths.indexOf(Math.max(...widths));
  const room = (widths[wide] ?? 0) - (layOut(table, MOST_TITLE_LINES).width - columns);
  return {
    ...table,
    rows: rows.flatMap((row) =>
      wrapText(row[wide] ?? '', room).map((line, index) =>
        row.map((text, column) => (column === wide ? line : index === 0 ? text : '')),
      ),
    ),
  };
}

/** The columns in as many tables as it takes, each with those that say what a row is of. */
function splitColumns(table: FigureTable, columns: number): FigureTable[] {
  const { header, rows, keyColumns = 1 } = table;
  const keys = header.map((_, column) => column).slice(0, keyColumns);
  const pick = (chosen: readonly number[]): FigureTable => ({
    header: chosen.map((column) => header[column] ?? ''),
    rows: rows.map((row) => chosen.map((column) => row[column] ?? '')),
  });
  const parts: number[][] = [];
  for (let column = keyColumns; column < header.length; column++) {
    const last = parts.at(-1);
    const wider = [...(last ?? keys), column];
    if (last !== undefined && layOut(pick(wider), MOST_TITLE_LINES).width <= columns) last.push(column);
    else parts.push([...keys, column]);
  }
  return parts.length === 0 ? [table] : parts.map(pick);
}

/** The titles on at most so many lines, those of fewer at the bottom. */
function headOf(header: readonly string[], contents: readonly number[], lines: number): readonly string[][] {
  const titles = header.map((title, column) => breakTitle(title, contents[column] ?? 0, lines));
  const height = Math.max(1, ...titles.map((parts) => parts.length));
  return Array.from({ length: height }, (_, line) =>
    titles.map((parts) => parts[line - height + parts.length] ?? ''),
  );
}

/** A title in at most so many parts, as narrow as that allows, but no narrower than its figures. */
function breakTitle(title: string, contentWidth: number, lines: number): readonly string[] {
  for (let width = contentWidth; width < textWidth(title); width++) {
    const parts = wrapText(title, width);
    if (parts.length <= lines && parts.every((part) => textWidth(part) <= width)) return parts;
  }
  return [title];
}

/** With more cells than this single ones are not drawn: the lines of the sweep say more. */
const MOST_DRAWN = 4;

/** Everything about a result that can be drawn with characters, a blank line before each plot. */
export function formatPlots(result: BenchResult, style: PlotStyle): string {
  const load = loadPictures(result).map(({ name, picture }) => terminalPicture(picture, style, name));
  return joinPlots(isLoadResult(result) ? load : measuredPlots(result, style));
}

function measuredPlots(result: BenchResult, style: PlotStyle): string[][] {
  const measured = result.cells.filter((cell) => cell.runs.length > 0);
  const named = (id: string) => (measured.length > 1 ? `${id}, ` : '');
  const intervals = intervalsOf(result.comparisons);
  return [
    ...(intervals === null ? [] : [terminalPicture(intervals, style)]),
    ...timeLines(result).map(({ axis, picture }) =>
      terminalPicture(picture, style, `median ms by ${axis.name}`),
    ),
    ...(measured.length > MOST_DRAWN ? [] : measured).flatMap((cell) => {
      const metric = wholeMetric(cell);
      const title = `${named(cell.id)}${metric}, ms, ${cell.runs.length} runs`;
      const row = sampleRow(metric, cell, result, title);
      const bar = phaseBar(cell, `${named(cell.id)}phases`);
      const samples = { title: metric, relative: false, rows: row === null ? [] : [row] };
      return [
        terminalPicture({ kind: 'samples', panels: [samples] }, style),
        terminalPicture({ kind: 'bars', upright: false, bars: bar === null ? [] : [bar] }, style),
      ];
    }),
  ];
}

function joinPlots(plots: readonly string[][]): string {
  return plots
    .filter((lines) => lines.length > 0)
    .map((lines) => `\n${lines.join('\n')}\n`)
    .join('');
}

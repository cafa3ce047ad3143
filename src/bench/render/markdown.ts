import { accuracyTable } from '../document/accuracyTable.js';
import type { FigureTable } from '../document/block.js';
import { wordColumns } from '../document/block.js';
import { ledgerTable, summaryTable } from '../document/cellTables.js';
import { comparisonNotes, comparisonTable } from '../document/comparisonTable.js';
import { cellNotes, describeDocument, describeSettings } from '../document/describe.js';
import { significant } from '../document/figures.js';
import { ceilingDoubts, ceilingsTable, rooflineOf } from '../document/rooflineTable.js';
import { cellTitles } from '../document/sweepAxes.js';
import { setTable, sweepTable, threadAdvice } from '../document/sweepTables.js';
import type { BenchResult, CellRecord } from '../schema/benchResult.js';

/** The document for an issue or a CI summary: the figures first, the surroundings folded away. */
export function formatMarkdown(result: BenchResult): string {
  const blocks = [
    `### ${result.tool.name}: ${result.kind}`,
    ...(result.kind === 'sweep' ? sweepBlocks(result) : result.cells.map((cell) => cellBlock(cell, result))),
    comparisonBlock(result),
    ceilingsBlock(result),
    list([
      ...result.notes,
      ...result.errors.map(({ cell, message }) => `error: ${cell === null ? '' : `${cell}: `}${message}`),
      ...(result.complete ? [] : ['the measurement was ended early']),
    ]),
    folded(
      'Environment',
      describeDocument(result)
        .map(([label, text]) => `- ${label}: ${codeSpan(text)}`)
        .join('\n'),
    ),
  ];
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`;
}

/** One table for all cells, and below it what to know of each. */
function sweepBlocks(result: BenchResult): string[] {
  const titleOf = cellTitles(result);
  const notes = result.cells.flatMap((cell) =>
    cellNotes(cell, result).map((note) => `${titleOf(cell)}: ${note}`),
  );
  const sets = setTable(result);
  const together = sets === null ? [] : ['All recordings together:', markdownTable(sets)];
  const rates = accuracyTable(result);
  const accuracy = rates === null ? [] : [markdownTable(rates)];
  return [
    markdownTable(sweepTable(result)),
    ...together,
    ...accuracy,
    list([...threadAdvice(result), ...notes]),
  ];
}

function cellBlock(cell: CellRecord, result: BenchResult): string {
  const title = `**${escapeMarkdown(cellTitles(result)(cell))}**: ${escapeMarkdown(describeSettings(cell, result))}, ${cell.runs.length} run(s)`;
  if (cell.summary === null)
    return [title, list(cellNotes(cell, result))].filter((part) => part !== '').join('\n\n');
  const phases = [ledgerTable(cell), rooflineOf(cell, result, 'of the ceilings')].flatMap((table) =>
    table === null || table.rows.length === 0 ? [] : [markdownTable(table)],
  );
  const text = cell.runs[0]?.text;
  const { accuracy } = cell;
  const facts = [
    ...(text === null || text === undefined ? [] : [`text: ${JSON.stringify(text)}`]),
    ...(accuracy === null
      ? []
      : [
          `WER ${significant(100 * accuracy.wer)} %, CER ${significant(100 * accuracy.cer)} % against ${accuracy.reference}`,
        ]),
    ...cellNotes(cell, result),
  ];
  return [
    title,
    markdownTable(summaryTable(cell)),
    list(facts),
    phases.length === 0 ? '' : folded('Phases', phases.join('\n\n')),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function comparisonBlock({ comparisons }: BenchResult): string {
  if (comparisons.length === 0) return '';
  const table = markdownTable(comparisonTable(comparisons));
  return [table, list(comparisonNotes(comparisons))].filter((part) => part !== '').join('\n\n');
}

function ceilingsBlock({ ceilings }: BenchResult): string {
  if (ceilings.length === 0) return '';
  const parts = [markdownTable(ceilingsTable(ceilings)), list(ceilingDoubts(ceilings))];
  return parts.filter((part) => part !== '').join('\n\n');
}

/** A table of GitHub's dialect: words to the left, figures to the right. */
export function markdownTable(table: FigureTable): string {
  const { header, rows } = table;
  const line = (cells: readonly string[]) => `| ${cells.map(escapeMarkdown).join(' | ')} |`;
  const rule = wordColumns(table).map((words) => (words ? '---' : '---:'));
  return [line(header), `| ${rule.join(' | ')} |`, ...rows.map(line)].join('\n');
}

/** Text that Markdown shows as it is, on one line. */
export function escapeMarkdown(text: string): string {
  return text
    .replace(/[\\`*_{}[\]<>|#~]/g, '\\$&')
    .replaceAll('&', '&amp;')
    .replace(/\s+/g, ' ');
}

function list(items: readonly string[]): string {
  return items.map((item) => `- ${escapeMarkdown(item)}`).join('\n');
}

/** In backquotes, as many as the text needs. */
function codeSpan(text: string): string {
  const longest = Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  const pad = longest > 0 ? ' ' : '';
  return `${fence}${pad}${text.replace(/\s+/g, ' ')}${pad}${fence}`;
}

function folded(title: string, content: string): string {
  return `<details><summary>${title}</summary>\n\n${content}\n\n</details>`;
}

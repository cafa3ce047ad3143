import { accuracyTable, formatErrorRate } from '../document/accuracyTable.js';
import { ledgerTable, summaryTable } from '../document/cellTables.js';
import { comparisonNotes, comparisonTables } from '../document/comparisonTable.js';
import { cellNotes, describeDocument, describeSettings } from '../document/describe.js';
import { ceilingDoubts, ceilingsTable, rooflineOf } from '../document/rooflineTable.js';
import { cellTitles } from '../document/sweepAxes.js';
import { setTable, sweepTable, threadAdvice } from '../document/sweepTables.js';
import type { BenchResult, CellRecord } from '../schema/benchResult.js';
import { textTable } from './textTable.js';

/** The whole document as plain text: what `--export FILE.txt` writes and `report` prints. */
export function formatText(result: BenchResult): string {
  const facts = describeDocument(result);
  const width = Math.max(...facts.map(([label]) => label.length));
  const head = facts.map(([label, text]) => `${label.padEnd(width)}  ${text}`);
  const blocks = [
    head,
    ...(result.kind === 'sweep' ? sweepBlocks(result) : result.cells.map((cell) => cellBlock(cell, result))),
    ceilingsBlock(result),
    comparisonBlock(result),
    accuracyBlock(result),
    [
      ...result.notes.map((note) => `note: ${note}`),
      ...result.errors.map(({ cell, message }) => `error: ${cell === null ? '' : `${cell}: `}${message}`),
      ...(result.complete ? [] : ['note: the measurement was ended early']),
    ],
  ];
  return blocks
    .filter((block) => block.length > 0)
    .map((block) => `${block.join('\n')}\n`)
    .join('\n');
}

/** One table for all cells, and below it what to know of each. */
function sweepBlocks(result: BenchResult): string[][] {
  const titleOf = cellTitles(result);
  const notes = result.cells.flatMap((cell) =>
    cellNotes(cell, result).map((note) => `note: ${titleOf(cell)}: ${note}`),
  );
  const sets = setTable(result);
  const together = sets === null ? [] : ['all recordings together:', ...textTable(sets)];
  return [textTable(sweepTable(result)), together, threadAdvice(result), notes];
}

function cellBlock(cell: CellRecord, result: BenchResult): string[] {
  const runs = `${cell.runs.length} run(s)`;
  const lines = [`${cellTitles(result)(cell)}: ${describeSettings(cell, result)}, ${runs}`];
  if (cell.summary !== null) {
    lines.push('', ...textTable(summaryTable(cell)));
    const tables = [ledgerTable(cell), rooflineOf(cell, result, 'of the ceilings')];
    for (const table of tables)
      if (table !== null && table.rows.length > 0) lines.push('', ...textTable(table));
  }
  const [first] = cell.runs;
  const tail = [
    ...(first?.text == null ? [] : [`text: ${JSON.stringify(first.text)}`]),
    ...(result.kind === 'benchmark' ? accuracyLines(cell) : []),
    ...cellNotes(cell, result).map((note) => `note: ${note}`),
  ];
  return tail.length === 0 ? lines : [...lines, '', ...tail];
}

/** The error rates of a single cell with the text they are of; nothing without a reference. */
export function accuracyLines({ accuracy }: CellRecord): string[] {
  if (accuracy === null) return [];
  const { metric, wer, cer, substitutions, insertions, deletions, ci, reference } = accuracy;
  const interval =
    ci === null
      ? ''
      : `  ${metric.toUpperCase()} 95 % ${formatErrorRate(ci.low)} … ${formatErrorRate(ci.high)}`;
  const errors = `S ${substitutions}, I ${insertions}, D ${deletions}`;
  return [
    // What older files do not name was normalised by the first versions of the rules.
    `accuracy: WER ${formatErrorRate(wer)}  CER ${formatErrorRate(cer)}${interval}  (${errors}; ${reference}${accuracy.rules === undefined ? '' : `; rules ${accuracy.rules}`})`,
  ];
}

/** Of several cells the error rates of all. */
function accuracyBlock(result: BenchResult): string[] {
  const table = result.kind === 'benchmark' ? null : accuracyTable(result);
  return table === null ? [] : textTable(table);
}

function ceilingsBlock({ ceilings }: BenchResult): string[] {
  if (ceilings.length === 0) return [];
  return [...textTable(ceilingsTable(ceilings)), ...ceilingDoubts(ceilings).map((doubt) => `note: ${doubt}`)];
}

function comparisonBlock({ comparisons }: BenchResult): string[] {
  if (comparisons.length === 0) return [];
  const notes = comparisonNotes(comparisons).map((note) => `note: ${note}`);
  return [...comparisonLines(comparisons), ...(notes.length === 0 ? [] : ['', ...notes])];
}

/** A table for each pair that was compared, below its title. */
export function comparisonLines(comparisons: BenchResult['comparisons']): string[] {
  return comparisonTables(comparisons).flatMap(([title, table], index) => [
    ...(index === 0 ? [] : ['']),
    `${title}:`,
    ...textTable(table),
  ]);
}

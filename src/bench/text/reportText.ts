import { threadScaling } from '../analysis/threadScaling.js';
import { accuracyTable } from '../output/accuracyTable.js';
import { comparisonNotes } from '../output/comparisonTable.js';
import { cellNotes } from '../output/describe.js';
import { significant } from '../output/figures.js';
import { accuracyLines, comparisonLines } from '../output/formatText.js';
import { ceilingDoubts, rooflineOf } from '../output/rooflineTable.js';
import { setTable } from '../output/setTable.js';
import type { FigureTable } from '../output/summaryTable.js';
import { cellTitles } from '../output/sweepAxes.js';
import { sweepTable } from '../output/sweepTable.js';
import { textTable } from '../output/textTable.js';
import { overheadTable } from '../report/overheadTable.js';
import type { BenchResult, CellRecord } from '../schema/benchResult.js';

/**
 * What the text says after the runs, in blocks that a blank line precedes each: one table of all cells (a single cell
 * has its own, the classic one), how threads scale, what length costs, comparisons, error rates, the roofline and notes.
 *
 * @param withDoubts also the roofline, and what makes runs or ceilings doubtful: the details have them too
 */
export function formatReport(result: BenchResult, withDoubts: boolean): string {
  const single = result.kind === 'benchmark';
  const hasRuns = result.cells.some(({ runs }) => runs.length > 0);
  return [
    ...(single || !hasRuns ? [] : [textTable(sweepTable(result))]),
    setBlock(result),
    ...(result.kind === 'sweep' ? [...scalingBlocks(result), fitBlock(result)] : []),
    comparisonBlock(result),
    accuracyBlock(result),
    ...(withDoubts ? result.cells.map((cell) => rooflineBlock(cell, result)) : []),
    noteBlock(result, withDoubts),
  ]
    .filter((lines) => lines.length > 0)
    .map((lines) => `\n${lines.join('\n')}\n`)
    .join('');
}

function scalingBlocks(result: BenchResult): string[][] {
  return threadScaling(result).map(({ label, points, bestThreads }) => {
    const table: FigureTable = {
      header: ['threads', 'total ms', 'speed-up', 'efficiency'],
      rows: points.map(({ threads, totalMs, speedUp, efficiency }) => [
        String(threads),
        significant(totalMs),
        `${speedUp.toFixed(2)}x`,
        `${(100 * efficiency).toFixed(0)} %`,
      ]),
    };
    return [`scaling${label === '' ? '' : `, ${label}`}: best -t ${bestThreads}`, ...textTable(table)];
  });
}

/** All recordings together. */
function setBlock(result: BenchResult): string[] {
  const table = setTable(result);
  return table === null ? [] : ['all recordings together:', ...textTable(table)];
}

/** What length costs: time = fixed + a second's part + a token's part. */
function fitBlock(result: BenchResult): string[] {
  const table = overheadTable(result);
  return table === null ? [] : textTable(table);
}

function comparisonBlock({ comparisons }: BenchResult): string[] {
  if (comparisons.length === 0) return [];
  const notes = comparisonNotes(comparisons).map((note) => `note: ${note}`);
  const allSame = comparisons.every(({ sameTokens }) => sameTokens === true);
  return [...comparisonLines(comparisons), ...(allSame ? ['tokens: the same in every round'] : []), ...notes];
}

function accuracyBlock(result: BenchResult): string[] {
  const [only] = result.cells;
  if (result.kind === 'benchmark') return only === undefined ? [] : accuracyLines(only);
  const table = accuracyTable(result);
  return table === null ? [] : textTable(table);
}

function rooflineBlock(cell: CellRecord, result: BenchResult): string[] {
  const title = result.kind === 'benchmark' ? 'of the ceilings' : cellTitles(result)(cell);
  const table = rooflineOf(cell, result, title);
  return table === null ? [] : textTable(table);
}

/** So few runs that a figure is left out is only said beside the figure, which this text has none of. */
const NO_CELLS = { cells: [] };

function noteBlock(result: BenchResult, withNotes: boolean): string[] {
  const single = result.kind === 'benchmark';
  const titleOf = cellTitles(result);
  const notes = result.cells.flatMap((cell) =>
    (withNotes ? cellNotes(cell, NO_CELLS) : cell.notes).map((note) =>
      single ? note : `${titleOf(cell)}: ${note}`,
    ),
  );
  const doubts = withNotes ? ceilingDoubts(result.ceilings) : [];
  const shared = [...new Set([...notes, ...doubts, ...result.notes])];
  return shared.map((note) => `note: ${note}`);
}

import { threadScaling } from '../analysis/threadScaling.js';
import { accuracyTable } from '../document/accuracyTable.js';
import type { FigureTable } from '../document/block.js';
import { comparisonNotes } from '../document/comparisonTable.js';
import { cellNotes } from '../document/describe.js';
import { significant } from '../document/figures.js';
import { ceilingDoubts, rooflineOf } from '../document/rooflineTable.js';
import { cellTitles } from '../document/sweepAxes.js';
import { overheadTable, setTable, sweepTable } from '../document/sweepTables.js';
import { wholeMetric } from '../record/summarizeResult.js';
import { accuracyLines, comparisonLines } from '../render/text.js';
import { textTable } from '../render/textTable.js';
import type { BenchResult, CellRecord } from '../schema/benchResult.js';
import { runsForMedianInterval } from '../statistics/orderStatistics.js';

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

/**
 * The last line of a single setting: `median 1812.0 ms, 95 % interval 1788.0 to 1842.0 ms, disturbed: 1 of 10 runs`; of
 * the whole run, or of the encoder where it alone ran.
 *
 * @returns nothing when no run was finished, and for several settings, whose tables say it
 */
export function summaryLine({ kind, cells }: BenchResult): string {
  const [cell] = cells;
  const summary = cell?.summary?.[wholeMetric(cell)];
  if (kind !== 'benchmark' || cell === undefined || summary === undefined) return '';
  const { median, medianInterval } = summary;
  const interval =
    medianInterval === null
      ? `95 % interval from ${runsForMedianInterval()} runs on`
      : `95 % interval ${medianInterval.low.toFixed(1)} to ${medianInterval.high.toFixed(1)} ms`;
  const { runs } = cell;
  const disturbed = runs.filter(({ interference }) => interference?.noisy).length;
  const known = runs.some(({ interference }) => interference !== null);
  const share = known ? `${disturbed} of ${runs.length} runs` : 'not known on this system';
  return `\nmedian ${median.toFixed(1)} ms, ${interval}, disturbed: ${share}\n`;
}

import { meanBeside, showVerdict } from '../document/comparisonTable.js';
import { formatChange, significant } from '../document/figures.js';
import { lineAxes, sweepSeries } from '../document/sweepAxes.js';
import { PHASES } from '../phases.js';
import { valuesOf, wholeMetric } from '../record/summarizeResult.js';
import { fitEnd, padEnd, textWidth } from '../render/textWidth.js';
import type { BenchResult, CellRecord } from '../schema/benchResult.js';
import type { ComparisonOutcome, ComparisonRecord } from '../schema/comparisonRecord.js';
import { median } from '../statistics/descriptive.js';
import { linePlot, type PlottedLine } from './linePlot.js';
import { type PlotColor, type PlotStyle, paint } from './plotStyle.js';

/** With more cells than this single ones are not drawn: the lines of the sweep say more. */
const MOST_CELLS = 4;

/** Everything about a result that can be drawn with characters, a blank line before each plot. */
export function formatPlots(result: BenchResult, style: PlotStyle): string {
  const measured = result.cells.filter((cell) => cell.runs.length > 0);
  const named = (id: string) => (measured.length > 1 ? `${id}, ` : '');
  const cells = measured.length > MOST_CELLS ? [] : measured;
  const plots = [
    forestPlot(result.comparisons, style),
    ...sweepPlots(result, style),
    ...cells.flatMap((cell) => {
      const metric = wholeMetric(cell);
      const values = valuesOf(metric, cell, result);
      const title = `${named(cell.id)}${metric}, ms, ${cell.runs.length} runs`;
      const bars = phaseBars(cell, style);
      return [
        values === null ? [] : histogram(title, values, style),
        bars.length === 0 ? [] : [`${named(cell.id)}phases`, ...bars],
      ];
    }),
  ];
  return plots
    .filter((lines) => lines.length > 0)
    .map((lines) => `\n${lines.join('\n')}\n`)
    .join('');
}

function sweepPlots(result: BenchResult, style: PlotStyle): string[][] {
  if (result.kind !== 'sweep') return [];
  return lineAxes(result).flatMap((axis) => {
    const lines = sweepSeries(result, axis).flatMap(({ title, points }): PlottedLine[] => {
      const medians = points.flatMap(({ x, cell }) => {
        const y = cell.summary?.[wholeMetric(cell)]?.median;
        return y === undefined ? [] : [{ x, y }];
      });
      return medians.length === 0 ? [] : [{ title, points: medians }];
    });
    return lines.length === 0 ? [] : [linePlot(`median ms by ${axis.name}`, axis.name, lines, style)];
  });
}

const COLORS: Readonly<Record<string, PlotColor>> = {
  faster: 'green',
  slower: 'red',
  same: 'dim',
  undecided: 'yellow',
};

/** Below so many columns there is no room for advice. */
const NARROW = 80;

type Decided = ComparisonRecord & { readonly outcome: ComparisonOutcome };

/** Comparisons as intervals around their ratio, a line each, with ratio 1 marked; empty when there are none. */
export function forestPlot(comparisons: readonly ComparisonRecord[], style: PlotStyle): string[] {
  const rows = comparisons.filter((one): one is Decided => one.outcome !== null);
  if (rows.length === 0) return [];
  const names = rows.map(({ labelB, metric }) => `${labelB}: ${metric}`);
  const narrow = style.width < NARROW;
  const longest = Math.max(...names.map(textWidth));
  const nameWidth = Math.min(longest, Math.floor(style.width / (narrow ? 3 : 2.5)));
  const verdicts = rows.map(({ outcome }) => {
    if (!narrow) return `${formatChange(outcome.ratio)} ${showVerdict(outcome)}`;
    const mean = meanBeside(outcome);
    return mean === '' ? `${formatChange(outcome.ratio)} ${outcome.verdict}` : `${outcome.verdict}, ${mean}`;
  });
  const verdictWidth = Math.max(...verdicts.map((text) => text.length));
  const columns = style.width - nameWidth - verdictWidth - 4;
  const ends = rows.flatMap(({ outcome: { ratio, low, high } }) => [ratio, low ?? ratio, high ?? ratio]);
  const reach = Math.max(...ends.map((ratio) => Math.abs(Math.log(ratio))), Math.log(1.01));
  // Ratio 1 is always in the middle: which side is which is seen at once.
  const column = (ratio: number) => Math.round(((Math.log(ratio) / reach + 1) / 2) * (columns - 1));
  return rows.map(({ outcome }, index) => {
    // Its end, the metric, is what tells lines apart.
    const name = padEnd(fitEnd(names[index] ?? '', nameWidth), nameWidth);
    return `  ${name} ${drawInterval(outcome, column, columns, style)} ${verdicts[index]}`;
  });
}

function drawInterval(
  { ratio, low, high, verdict }: Decided['outcome'],
  column: (ratio: number) => number,
  columns: number,
  style: PlotStyle,
): string {
  const [rule, mark, middle] = style.unicode ? ['─', '■', '│'] : ['-', '#', '|'];
  const cells = new Array<string>(columns).fill(' ');
  cells[column(1)] = paint(middle, 'dim', style);
  const color = COLORS[verdict] ?? 'dim';
  for (let at = column(low ?? ratio); at <= column(high ?? ratio); at++)
    cells[at] = paint(rule, color, style);
  cells[column(ratio)] = paint(mark, color, style);
  return cells.join('');
}

/** Lines of the bars. */
const ROWS = 4;
const HEIGHT_EIGHTHS = ['', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;

/**
 * The distribution of a sample as columns over its range, with the median marked below.
 *
 * @param title stands above, the unit included
 * @param values at least one
 */
export function histogram(title: string, values: readonly number[], style: PlotStyle): string[] {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const columns = Math.min(style.width - 2, 60);
  const counts = new Array<number>(columns).fill(0);
  const column = (value: number) =>
    high === low ? columns >> 1 : Math.min(Math.floor(((value - low) / (high - low)) * columns), columns - 1);
  for (const value of values) counts[column(value)]! += 1;
  const most = Math.max(...counts);
  const rows = Array.from({ length: ROWS }, (_, row) => {
    const cells = counts.map((count) => barCell(count / most, ROWS - 1 - row, style));
    return `  ${paint(cells.join('').trimEnd(), 'blue', style)}`;
  });
  const middle = median(values);
  const [line, mark] = style.unicode ? ['─', '▲'] : ['-', '^'];
  const at = column(middle);
  const axis = `  ${line.repeat(at)}${mark}${line.repeat(columns - at - 1)}`;
  const head = `${title}, median ${significant(middle)}`;
  return [head, ...rows.filter((row) => row.trim() !== ''), axis, tickLine(low, high, columns)];
}

/** The part of a bar that lies in a row; row 0 is the lowest. A run alone in its column still shows. */
function barCell(share: number, row: number, { unicode }: PlotStyle): string {
  if (share === 0) return ' ';
  if (!unicode) return Math.max(1, Math.round(share * ROWS)) > row ? '#' : ' ';
  const eighths = Math.max(1, Math.round(share * ROWS * 8)) - 8 * row;
  return eighths <= 0 ? ' ' : (HEIGHT_EIGHTHS[Math.min(eighths, 8)] ?? ' ');
}

/** The ends of the range below the axis. */
function tickLine(low: number, high: number, columns: number): string {
  const [left, right] = [significant(low), significant(high)];
  if (low === high) return `  ${left.padStart((columns + left.length) >> 1)}`;
  return `  ${left}${right.padStart(columns - left.length)}`;
}

const WIDTH_EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'] as const;

/** The phases of a cell as bars, with their median and share; empty when the cell does not tell them. */
export function phaseBars(cell: CellRecord, style: PlotStyle): string[] {
  const phases = PHASES.flatMap(({ metric: name, part }) => {
    const ms = cell.summary?.[name]?.median;
    return ms === undefined ? [] : [{ name, part, ms }];
  });
  if (phases.length < 2) return [];
  // Of the median run, as in the table of phases: medians of parts do not quite add up to the median of the whole.
  const total = (cell.summary?.['total'] ?? cell.summary?.['encode'])?.median ?? Number.NaN;
  const longest = Math.max(...phases.map(({ ms }) => ms));
  const nameWidth = Math.max(...phases.map(({ name }) => name.length));
  const figures = phases.map(
    ({ ms }) => `${significant(ms)} ms ${((100 * ms) / total).toFixed(1).padStart(5)} %`,
  );
  const figureWidth = Math.max(...figures.map((text) => text.length));
  const room = Math.max(style.width - nameWidth - figureWidth - 6, 8);
  return phases.map(({ name, part, ms }, index) => {
    const bar = horizontalBar((ms / longest) * room, style);
    const padding = ' '.repeat(room - bar.length);
    // Encoder and decoder in the colours of the report.
    const color = part === null ? 'dim' : part === 'encode' ? 'blue' : 'yellow';
    const painted = paint(bar, color, style);
    return `  ${name.padEnd(nameWidth)} ${painted}${padding} ${(figures[index] ?? '').padStart(figureWidth)}`;
  });
}

/** A bar so many columns long, to an eighth of a column; never longer than that, never nothing for something. */
export function horizontalBar(columns: number, { unicode }: PlotStyle): string {
  if (columns <= 0) return '';
  if (!unicode) return '#'.repeat(Math.max(1, Math.floor(columns)));
  const eighths = Math.max(1, Math.floor(columns * 8));
  return '█'.repeat(eighths >> 3) + (WIDTH_EIGHTHS[eighths & 7] ?? '');
}

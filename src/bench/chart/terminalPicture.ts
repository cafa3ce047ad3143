import { fitEnd, padEnd, textWidth } from '../../text/textWidth.js';
import { formatChange, significant } from '../document/figures.js';
import { median } from '../statistics/descriptive.js';
import { linePlot } from './linePlot.js';
import type { Bar, IntervalPicture, IntervalRow, Picture } from './picture.js';
import { type PlotColor, type PlotStyle, paint } from './plotStyle.js';
import { linearScale, logScale } from './scale.js';

/**
 * A picture in characters, as lines of text; of samples the distribution of each, of bars the parts of each. What characters
 * cannot show, the order of runs and the roofline, is left out.
 *
 * @param title stands above what has one; the titles of rows say the rest
 */
export function terminalPicture(picture: Picture, style: PlotStyle, title = ''): string[] {
  switch (picture.kind) {
    case 'intervals':
      return intervalPlot(picture, style);
    case 'lines': {
      const lines = picture.lines.filter(({ points }) => points.length > 0);
      return lines.length === 0 ? [] : linePlot(title, picture.xName, lines, style);
    }
    case 'samples':
      return picture.panels.flatMap(({ rows }) =>
        rows.flatMap((row) => histogram(row.title, row.values, style)),
      );
    case 'bars':
      return picture.bars.flatMap((bar) => [bar.title, ...partBars(bar, style)]);
    default:
      return [];
  }
}

const VERDICT_COLORS: Readonly<Record<string, PlotColor>> = {
  faster: 'green',
  slower: 'red',
  same: 'dim',
  undecided: 'yellow',
};

/** Below so many columns there is no room for advice. */
const NARROW = 80;

/** Ratios with their intervals, a line each, with ratio 1 marked. */
function intervalPlot({ groups }: IntervalPicture, style: PlotStyle): string[] {
  const rows = groups.flatMap((group) => group.rows);
  const narrow = style.width < NARROW;
  const longest = Math.max(...rows.map(({ fullName }) => textWidth(fullName)));
  const nameWidth = Math.min(longest, Math.floor(style.width / (narrow ? 3 : 2.5)));
  const verdicts = rows.map(({ ratio, verdict, advice, mean }) => {
    if (!narrow) return `${formatChange(ratio)} ${advice}`;
    return mean === '' ? `${formatChange(ratio)} ${verdict}` : `${verdict}, ${mean}`;
  });
  const verdictWidth = Math.max(...verdicts.map((text) => text.length));
  const columns = style.width - nameWidth - verdictWidth - 4;
  const ends = rows.flatMap(({ ratio, low, high }) => [ratio, low ?? ratio, high ?? ratio]);
  const reach = Math.max(...ends.map((ratio) => Math.abs(Math.log(ratio))), Math.log(1.01));
  // Ratio 1 is always in the middle: which side is which is seen at once.
  const scale = logScale([Math.exp(-reach), Math.exp(reach)], 0, columns - 1, 3, { padding: 0 });
  const column = (ratio: number) => Math.round(scale.at(ratio));
  return rows.map((row, index) => {
    // Its end, the metric, is what tells lines apart.
    const name = padEnd(fitEnd(row.fullName, nameWidth), nameWidth);
    return `  ${name} ${drawInterval(row, column, columns, style)} ${verdicts[index]}`;
  });
}

function drawInterval(
  { ratio, low, high, verdict }: IntervalRow,
  column: (ratio: number) => number,
  columns: number,
  style: PlotStyle,
): string {
  const [rule, mark, middle] = style.unicode ? ['─', '■', '│'] : ['-', '#', '|'];
  const cells = new Array<string>(columns).fill(' ');
  cells[column(1)] = paint(middle, 'dim', style);
  const color = VERDICT_COLORS[verdict] ?? 'dim';
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

/** The parts of a bar below one another, each with its time and share. */
function partBars({ totalMs, parts }: Bar, style: PlotStyle): string[] {
  const longest = Math.max(...parts.map(({ ms }) => ms));
  const nameWidth = Math.max(...parts.map(({ name }) => name.length));
  const figures = parts.map(
    ({ ms }) => `${significant(ms)} ms ${((100 * ms) / totalMs).toFixed(1).padStart(5)} %`,
  );
  const figureWidth = Math.max(...figures.map((text) => text.length));
  const room = Math.max(style.width - nameWidth - figureWidth - 6, 8);
  const scale = linearScale([longest], 0, room, 2, { zero: true, padding: 0 });
  return parts.map(({ name, tone, ms }, index) => {
    const bar = horizontalBar(scale.at(ms), style);
    const padding = ' '.repeat(room - bar.length);
    // Encoder and decoder in the colours of the report.
    const color = tone === null ? 'dim' : tone === 'encode' ? 'blue' : 'yellow';
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

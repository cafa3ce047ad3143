import { significant } from '../output/figures.js';
import { median } from '../statistics/descriptive.js';
import { type PlotStyle, paint } from './plotStyle.js';

/** Lines of the bars. */
const ROWS = 4;
const EIGHTHS = ['', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;

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
  return eighths <= 0 ? ' ' : (EIGHTHS[Math.min(eighths, 8)] ?? ' ');
}

/** The ends of the range below the axis. */
function tickLine(low: number, high: number, columns: number): string {
  const [left, right] = [significant(low), significant(high)];
  if (low === high) return `  ${left.padStart((columns + left.length) >> 1)}`;
  return `  ${left}${right.padStart(columns - left.length)}`;
}

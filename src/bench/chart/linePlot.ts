import { fitWidth, textWidth } from '../../text/textWidth.js';
import { significant } from '../document/figures.js';
import type { Line } from './picture.js';
import { type PlotColor, type PlotStyle, paint } from './plotStyle.js';
import { linearScale, logScale } from './scale.js';

/** Of a line, what characters can show. */
export interface PlottedLine extends Pick<Line, 'title'> {
  readonly points: readonly Pick<Line['points'][number], 'x' | 'y'>[];
}

/** Lines of the grid. */
const GRID_ROWS = 12;
const MARKERS = { unicode: ['●', '■', '◆', '▲', '○', '□'], ascii: ['o', 'x', '+', '*', '@', '%'] } as const;
const LINE_COLORS: readonly PlotColor[] = ['blue', 'yellow', 'green', 'magenta', 'cyan', 'red'];
/** More lines than markers would not be told apart. */
const MOST_LINES = 6;
/** Steps of a logarithm are even where the values span more than this. */
const LINEAR_RATIO = 4;

interface Mark {
  readonly character: string;
  readonly series: number;
}

/**
 * Lines over a common axis; the y axis starts at 0, the x axis is logarithmic when its values are far apart.
 *
 * @param lines at least one, with at least one point each; the first six are drawn
 */
export function linePlot(
  title: string,
  xTitle: string,
  lines: readonly PlottedLine[],
  style: PlotStyle,
): string[] {
  const drawn = lines.slice(0, MOST_LINES);
  const points = drawn.flatMap((line) => line.points);
  const top = Math.max(...points.map(({ y }) => y));
  const axisWidth = significant(top).length;
  const columns = Math.max(Math.min(style.width - axisWidth - 5 - xTitle.length, 72), 16);
  const xs = points.map((point) => point.x);
  // One free column on either side, so that markers do not touch the axis.
  const [low, high] = [Math.min(...xs), Math.max(...xs)];
  const scaleOf = low > 0 && high / low > LINEAR_RATIO ? logScale : linearScale;
  const scale = scaleOf(xs, 1, columns - 2, 8, { padding: 0 });
  const x = (value: number) => Math.round(scale.at(value));
  const height = linearScale([top], GRID_ROWS - 1, 0, 2, { zero: true, padding: 0 });
  const y = (value: number) => Math.round(height.at(value));
  const grid = Array.from({ length: GRID_ROWS }, () => new Array<Mark | undefined>(columns));
  drawn.forEach((line, series) => {
    drawLine(line, series, { x, y, grid }, style);
  });
  const [bar, corner, rule] = style.unicode ? ['│', '└', '─'] : ['|', '+', '-'];
  const labels = new Map([
    [0, significant(top)],
    [GRID_ROWS - 1, '0'],
    [(GRID_ROWS - 1) >> 1, significant(top * (1 - ((GRID_ROWS - 1) >> 1) / (GRID_ROWS - 1)))],
  ]);
  const rows = grid.map((cells, row) => {
    const line = Array.from(cells, (mark) =>
      mark === undefined ? ' ' : paint(mark.character, LINE_COLORS[mark.series] ?? 'dim', style),
    ).join('');
    return `  ${(labels.get(row) ?? '').padStart(axisWidth)} ${bar}${line.trimEnd()}`;
  });
  const distinct = [...new Set(points.map((point) => point.x))].sort((a, b) => a - b);
  return [
    title,
    ...rows,
    `  ${' '.repeat(axisWidth)} ${corner}${rule.repeat(columns)}`,
    `  ${' '.repeat(axisWidth)}  ${valueLine(distinct, x, columns)} ${xTitle}`.trimEnd(),
    ...markerKey(lines, style),
  ];
}

interface Field {
  readonly x: (value: number) => number;
  readonly y: (value: number) => number;
  readonly grid: (Mark | undefined)[][];
}

/** Dots between the points first, so that markers stay on top; those of an earlier line give way. */
function drawLine({ points }: PlottedLine, series: number, { x, y, grid }: Field, style: PlotStyle): void {
  const dot = style.unicode ? '·' : '.';
  const marker = MARKERS[style.unicode ? 'unicode' : 'ascii'][series] ?? '?';
  points.slice(1).forEach((to, index) => {
    const from = points[index];
    if (from === undefined) return;
    const [start, end] = [x(from.x), x(to.x)];
    for (let column = start + 1; column < end; column++) {
      const share = (column - start) / (end - start);
      const row = grid[y(from.y + share * (to.y - from.y))];
      if (row !== undefined) row[column] ??= { character: dot, series };
    }
  });
  for (const point of points) {
    const row = grid[y(point.y)];
    if (row !== undefined) row[x(point.x)] = { character: marker, series };
  }
}

/** The values of x below their columns, where they do not touch. */
function valueLine(values: readonly number[], x: (value: number) => number, columns: number): string {
  let line = '';
  for (const value of values) {
    const text = String(Number(value.toPrecision(4)));
    const start = Math.min(Math.max(x(value) - (text.length >> 1), 0), columns - text.length);
    if (line === '' || start > line.length) line = line.padEnd(start) + text;
  }
  return line.padEnd(columns);
}

/** What the markers stand for, in as many lines as it takes. */
function markerKey(lines: readonly PlottedLine[], style: PlotStyle): string[] {
  if (lines.length < 2) return [];
  const markers = MARKERS[style.unicode ? 'unicode' : 'ascii'];
  const rows: string[] = [];
  let columns = 0;
  lines.slice(0, MOST_LINES).forEach(({ title }, series) => {
    const shown = fitWidth(title, style.width - 4);
    const entryWidth = textWidth(shown) + 2;
    const entry = `${paint(markers[series] ?? '?', LINE_COLORS[series] ?? 'dim', style)} ${shown}`;
    const fits = rows.length > 0 && columns + entryWidth + 3 <= style.width;
    columns = fits ? columns + entryWidth + 3 : entryWidth + 2;
    if (fits) rows[rows.length - 1] += `   ${entry}`;
    else rows.push(`  ${entry}`);
  });
  return lines.length > MOST_LINES ? [...rows, `  and ${lines.length - MOST_LINES} more`] : rows;
}

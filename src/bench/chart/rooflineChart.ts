import { ceilingsOf, type RooflinePoint, rateOf, rooflineOfCell } from '../analysis/roofline.js';
import type { Chart } from '../document/block.js';
import { formatRate, significant } from '../document/figures.js';
import { formatCeiling, formatShare } from '../document/rooflineTable.js';
import { cellTitles } from '../document/sweepAxes.js';
import { phaseOf } from '../phases.js';
import { el, join, type Markup } from '../render/markup.js';
import type { BenchResult, CellRecord } from '../schema/benchResult.js';
import { type Drawing, horizontalAxis, label, legend, verticalAxis, withTitle } from './drawing.js';
import { logScale, type Scale } from './scale.js';

const HEIGHT = 320;

interface Roof {
  readonly name: string;
  readonly flopsPerSecond: number;
}

interface Plot {
  readonly cell: CellRecord;
  readonly points: readonly RooflinePoint[];
  readonly roofs: readonly Roof[];
  readonly readBytesPerSecond: number;
}

/** The phases under the machine's ceilings, for the fastest cell that has both; null when none has. */
export function rooflineChart(result: BenchResult): Chart | null {
  const plots = result.cells.flatMap((cell): Plot[] => {
    const points = rooflineOfCell(cell, result.ceilings);
    const ceilings = ceilingsOf(cell, result.ceilings);
    if (points.length === 0 || ceilings === null) return [];
    const roofs = (['f32', 'bf16', 'int8'] as const).flatMap((name): Roof[] => {
      const peak = rateOf(ceilings, name);
      return peak === null ? [] : [{ name, flopsPerSecond: peak }];
    });
    return [{ cell, points, roofs, readBytesPerSecond: ceilings.readBytesPerSecond }];
  });
  const time = ({ cell }: Plot) => cell.summary?.['total']?.median ?? cell.summary?.['encode']?.median ?? 0;
  const [plot] = plots.sort((a, b) => time(a) - time(b));
  if (plot === undefined) return null;
  const of =
    plots.length > 1 ? ` The fastest cell, ${cellTitles(result)(plot.cell)}; the table has all.` : '';
  return {
    title: 'Roofline',
    description: `How close each phase comes to what this machine reaches by itself. Under the slope memory is the limit, under a level arithmetic is.${of}`,
    draw: (width) => draw(plot, width),
    table: {
      header: [
        '',
        'ms',
        'at its ceiling',
        'share',
        'FLOP per byte',
        'FLOP/s',
        'read B/s',
        'limit',
        'ceiling',
      ],
      rows: plots.flatMap(({ cell, points }) =>
        points.map((point) => [
          plots.length > 1 ? `${cell.id}, ${phaseOf(point.phase).metric}` : phaseOf(point.phase).metric,
          significant(point.ms),
          significant(point.ceilingMs),
          formatShare(point),
          significant(point.intensity),
          formatRate(point.flopsPerSecond),
          formatRate(point.bytesPerSecond),
          point.limit,
          formatCeiling(point.ceiling, point.limit),
        ]),
      ),
    },
  };
}

function draw({ points, roofs, readBytesPerSecond }: Plot, width: number): Drawing {
  const [left, right, top] = [60, width - 16, 24];
  const bottom = HEIGHT - 34;
  const highest = Math.max(...roofs.map(({ flopsPerSecond }) => flopsPerSecond));
  // From left of the leftmost point to right of the point where the slope meets the highest roof.
  const intensities = [...points.map(({ intensity }) => intensity), (2 * highest) / readBytesPerSecond];
  const x = logScale(
    [Math.min(...intensities) / 2, Math.max(...intensities) * 2],
    left,
    right,
    width > 500 ? 8 : 4,
  );
  const rates = points.map(({ flopsPerSecond }) => flopsPerSecond);
  const y = logScale([Math.min(...rates) / 2, highest * 1.3], bottom, top, 6);
  const entries = points.map((point) => ({
    text: `${titleOf(point)} ${formatShare(point)}`,
    shape: (px: number, py: number) => dot(point, px, py),
  }));
  const key = legend(entries, left, HEIGHT + 8, right);
  const [low, high] = [x.ticks[0] ?? 1, Math.max(...intensities) * 2];
  return {
    height: HEIGHT + 8 + key.height,
    content: [
      horizontalAxis(x, top, bottom, (tick) => String(tick)),
      verticalAxis(y, left, right, (tick) => formatRate(tick).replace('.0', '').trimEnd()),
      label(4, 12, 'FLOP/s', { class: 'strong' }),
      label(right, bottom + 30, 'FLOP per byte read', { anchor: 'end', class: 'strong' }),
      ...roofs.map((roof) =>
        drawRoof(roof, readBytesPerSecond, [low / 4, high], x, y, { left, right, top, bottom }),
      ),
      ...points.map((point) => drawPoint(point, x, y)),
      ...key.content,
    ],
  };
}

interface Frame {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** The slope of the memory up to the level of the arithmetic, as far as they are inside the frame. */
function drawRoof(
  { name, flopsPerSecond }: Roof,
  readBytesPerSecond: number,
  [, high]: readonly [number, number],
  x: Scale,
  y: Scale,
  { left, bottom, right }: Frame,
): Markup {
  const ridge = flopsPerSecond / readBytesPerSecond;
  const level = y.at(flopsPerSecond);
  // In the double logarithm the slope is a straight line: follow it down until it leaves the frame.
  const [ridgeX, decadeX] = [x.at(ridge), x.at(ridge / 10)];
  const decadeY = y.at(flopsPerSecond / 10);
  const slope = (decadeY - level) / (decadeX - ridgeX);
  const atLeft = level + slope * (left - ridgeX);
  const start = atLeft <= bottom ? [left, atLeft] : [ridgeX + (bottom - level) / slope, bottom];
  const end = Math.min(x.at(high), right);
  const d = `M${start[0]?.toFixed(1)} ${start[1]?.toFixed(1)}L${ridgeX.toFixed(1)} ${level.toFixed(1)}H${end.toFixed(1)}`;
  return join([
    el('path', { class: 'roof', d }),
    label(end - 2, level - 5, `${name} ${formatRate(flopsPerSecond)}FLOP/s`, {
      anchor: 'end',
      class: 'tick',
    }),
  ]);
}

function titleOf({ phase }: RooflinePoint): string {
  return phaseOf(phase).title;
}

function drawPoint(point: RooflinePoint, x: Scale, y: Scale): Markup {
  const [px, py] = [x.at(point.intensity), y.at(point.flopsPerSecond)];
  const title = `${titleOf(point)}: ${formatRate(point.flopsPerSecond)}FLOP/s, ${formatRate(point.bytesPerSecond)}B/s, ${formatShare(point)} of what ${point.limit} allows`;
  const gap = el('line', {
    class: 'gap',
    x1: px,
    x2: px,
    y1: py,
    y2: y.at(point.flopsPerSecond / point.share),
  });
  return withTitle(title, gap, dot(point, px, py));
}

function dot({ phase }: RooflinePoint, x: number, y: number): Markup {
  return el('circle', { class: `point phase-${phaseOf(phase).metric}`, cx: x, cy: y, r: 6 });
}

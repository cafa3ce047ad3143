import { ceilingsOf, rateOf, rooflineOfCell } from '../analysis/roofline.js';
import { isLoadResult } from '../analysis/summarizeLoad.js';
import { medianOf, wholeMetric } from '../analysis/summarizeResult.js';
import type {
  IntervalRow,
  Line,
  LinePicture,
  LinePoint,
  Picture,
  RooflineMark,
  RooflinePicture,
} from '../chart/picture.js';
import { phaseOf } from '../phases.js';
import type { BenchResult, CellRecord } from '../schema/benchResult.js';
import type { ComparisonOutcome, ComparisonRecord } from '../schema/figureRecords.js';
import type { Chart } from './block.js';
import { comparisonTable, meanBeside, showVerdict } from './comparisonTable.js';
import { formatRate, formatThreads, significant } from './figures.js';
import { lineChart } from './lineChart.js';
import { loadCharts } from './loadCharts.js';
import { formatCeiling, formatShare } from './rooflineTable.js';
import { distributionChart, phaseChart, runOrderChart } from './runCharts.js';
import { delayCharts, stepChart } from './streamCharts.js';
import { cellTitles, lineAxes, type SweepAxis, type SweepSeries, sweepSeries } from './sweepAxes.js';

/*
 * The pictures of a result: which series there are, in which order and under which titles. Pages and terminals draw the
 * same ones; a page has each as a chart with its data as a table.
 */

/** All charts that the data supports, the answers first. */
export function chartsOf(result: BenchResult): Chart[] {
  if (isLoadResult(result)) return loadCharts(result);
  const charts = [
    forestChart(result),
    ...sweepCharts(result),
    ...delayCharts(result),
    stepChart(result),
    phaseChart(result),
    distributionChart(result),
    runOrderChart(result),
    rooflineChart(result),
  ];
  return charts.filter((chart) => chart !== null);
}

type Decided = ComparisonRecord & { readonly outcome: ComparisonOutcome };

/** Comparisons as ratios with their intervals, those of two cells together; null when none was decided. */
export function intervalsOf(comparisons: readonly ComparisonRecord[]): Picture | null {
  const decided = comparisons.filter((one): one is Decided => one.outcome !== null);
  const pairs = new Map<string, { readonly title: string; readonly rows: IntervalRow[] }>();
  for (const comparison of decided) {
    const { a, b, labelA, labelB, metric, outcome } = comparison;
    const key = JSON.stringify([a, b]);
    const pair = pairs.get(key) ?? { title: `${labelB} against ${labelA}`, rows: [] };
    pairs.set(key, pair);
    const { ratio, low, high, marginPercent, verdict } = outcome;
    pair.rows.push({
      ...{ name: metric, fullName: `${labelB}: ${metric}`, ratio, low, high, marginPercent, verdict },
      advice: showVerdict(outcome),
      mean: meanBeside(outcome),
    });
  }
  return pairs.size === 0 ? null : { kind: 'intervals', groups: [...pairs.values()] };
}

function forestChart({ comparisons }: BenchResult): Chart | null {
  const picture = intervalsOf(comparisons);
  if (picture === null) return null;
  return {
    title: 'B against A',
    description:
      'The change of each metric with its 95 % interval. Left of the line B is better. An interval that touches the line leaves the direction open; one inside the grey band is too small to matter. Where the mean time tells another story, it stands beside the verdict.',
    picture,
    table: comparisonTable(comparisons),
  };
}

/** The run time along every numeric axis of a sweep, and the speed-up along the threads. */
function sweepCharts(result: BenchResult): Chart[] {
  return timeLines(result).flatMap(({ axis, series, picture }) => {
    const isLive = result.cells.some(({ settings }) => settings.stream === true);
    const what = isLive ? 'Median over the runs of the median live step' : 'Median time of a run';
    const time = lineChart(`Time by ${axis.title}`, `${what}, with its 95 % interval.`, picture);
    return axis.name === 'threads' ? [time, speedUpChart(series)] : [time];
  });
}

/** The lines of a sweep along an axis. */
interface TimeLines {
  readonly axis: SweepAxis;
  readonly series: readonly SweepSeries[];
  readonly picture: LinePicture;
}

/** The median time of a run along every numeric axis of a sweep. */
export function timeLines(result: BenchResult): TimeLines[] {
  if (result.kind !== 'sweep') return [];
  return lineAxes(result).flatMap((axis) => {
    const series = sweepSeries(result, axis);
    const lines = series.map(({ title, points }) => ({
      title,
      points: points.flatMap(({ x, cell }) => timePoint(x, cell)),
    }));
    const { title: xTitle, name: xName } = axis;
    const picture = { kind: 'lines', lines, xTitle, xName, yTitle: 'ms' } as const;
    return series.length === 0 ? [] : [{ axis, series, picture }];
  });
}

function timePoint(x: number, cell: CellRecord): LinePoint[] {
  const summary = cell.summary?.[wholeMetric(cell)];
  if (summary === undefined) return [];
  const { median, medianInterval } = summary;
  const [low, high] = [medianInterval?.low ?? null, medianInterval?.high ?? null];
  return [{ x, y: median, low, high, title: `${cell.id}, ${significant(median)} ms` }];
}

/** How many times faster than with the fewest threads; the guide is what unlimited scaling would give. */
function speedUpChart(series: readonly SweepSeries[]): Chart {
  const lines = series.map(({ title, points }): Line => {
    const [first] = points;
    const base = first === undefined ? null : medianOf(wholeMetric(first.cell), first.cell);
    return {
      title,
      points: points.flatMap(({ x, cell }): LinePoint[] => {
        const median = medianOf(wholeMetric(cell), cell);
        if (median === null || base === null) return [];
        const y = base / median;
        return [{ x, y, low: null, high: null, title: `${x} threads, ${significant(y)} times faster` }];
      }),
    };
  });
  const all = new Set(series.flatMap(({ points }) => points.map(({ x }) => x)));
  const threads = [...all].sort((a, b) => a - b);
  const fewest = threads[0] ?? 1;
  const ideal = threads.map((x) => ({ x, y: x / fewest, low: null, high: null, title: '' }));
  return lineChart(
    'Scaling over threads',
    `How many times faster than with ${formatThreads(fewest)}; the dashed line would be ideal.`,
    {
      ...{ kind: 'lines', lines, xTitle: 'threads', xName: 'threads', yTitle: 'speed-up' },
      guide: { title: 'ideal', points: ideal },
    },
  );
}

/** The phases under the machine's ceilings, for the fastest cell that has both; null when none has. */
function rooflineChart(result: BenchResult): Chart | null {
  const told = result.cells.flatMap((cell) => {
    const points = rooflineOfCell(cell, result.ceilings);
    const ceilings = ceilingsOf(cell, result.ceilings);
    return points.length === 0 || ceilings === null ? [] : [{ cell, points, ceilings }];
  });
  const time = ({ cell }: { cell: CellRecord }) => medianOf('total', cell) ?? medianOf('encode', cell) ?? 0;
  const [fastest] = told.sort((a, b) => time(a) - time(b));
  if (fastest === undefined) return null;
  const several = told.length > 1;
  const of = several ? ` The fastest cell, ${cellTitles(result)(fastest.cell)}; the table has all.` : '';
  const roofs = (['f32', 'bf16', 'int8'] as const).flatMap((name): RooflinePicture['roofs'][number][] => {
    const peak = rateOf(fastest.ceilings, name);
    return peak === null ? [] : [{ name, flopsPerSecond: peak }];
  });
  const points = fastest.points.map((point): RooflineMark => {
    const { phase, share, flopsPerSecond, bytesPerSecond, intensity, limit } = point;
    const { metric: name, title } = phaseOf(phase);
    const detail = `${title}: ${formatRate(flopsPerSecond)}FLOP/s, ${formatRate(bytesPerSecond)}B/s, ${formatShare(point)} of what ${limit} allows`;
    return { name, title: `${title} ${formatShare(point)}`, detail, share, flopsPerSecond, intensity };
  });
  const header = ['ms', 'at its ceiling', 'share', 'FLOP per byte', 'FLOP/s', 'read B/s', 'limit', 'ceiling'];
  return {
    title: 'Roofline',
    description: `How close each phase comes to what this machine reaches by itself. Under the slope memory is the limit, under a level arithmetic is.${of}`,
    picture: { kind: 'roofline', roofs, readBytesPerSecond: fastest.ceilings.readBytesPerSecond, points },
    table: {
      header: ['', ...header],
      rows: told.flatMap(({ cell, points }) =>
        points.map((point) => [
          several ? `${cell.id}, ${phaseOf(point.phase).metric}` : phaseOf(point.phase).metric,
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

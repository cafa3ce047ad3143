import { formatThreads, significant } from '../output/figures.js';
import { lineAxes, type SweepSeries, sweepSeries } from '../output/sweepAxes.js';
import type { BenchResult, CellRecord } from '../schema/benchResult.js';
import { medianOf, wholeMetric } from './cellFigures.js';
import type { Chart } from './chart.js';
import { type Line, type LinePoint, lineChart } from './lineChart.js';

const AXIS_TITLES: Readonly<Record<string, string>> = {
  threads: 'threads',
  seconds: 'seconds of audio',
  tokens: 'tokens',
  batch: 'batch',
  segment: 'seconds of a segment',
};

/** A plot of the run time along every numeric axis of a sweep, and the speed-up along the threads. */
export function sweepCharts(result: BenchResult): Chart[] {
  if (result.kind !== 'sweep') return [];
  return lineAxes(result).flatMap((axis): Chart[] => {
    const series = sweepSeries(result, axis);
    if (series.length === 0) return [];
    const xTitle = AXIS_TITLES[axis.name] ?? axis.name;
    const time = lineChart(`Time by ${xTitle}`, 'Median time of a run, with its 95 % interval.', {
      lines: series.map(timeLine),
      xTitle,
      yTitle: 'ms',
    });
    return axis.name === 'threads' ? [time, speedUpChart(series)] : [time];
  });
}

function timeLine({ title, points }: SweepSeries): Line {
  return { title, points: points.flatMap(({ x, cell }) => timePoint(x, cell)) };
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
        const speedUp = base / median;
        return [
          {
            x,
            y: speedUp,
            low: null,
            high: null,
            title: `${x} threads, ${significant(speedUp)} times faster`,
          },
        ];
      }),
    };
  });
  const threads = [...new Set(series.flatMap(({ points }) => points.map(({ x }) => x)))].sort(
    (a, b) => a - b,
  );
  const fewest = threads[0] ?? 1;
  const guide: Line = {
    title: 'ideal',
    points: threads.map((x) => ({ x, y: x / fewest, low: null, high: null, title: '' })),
  };
  return lineChart(
    'Scaling over threads',
    `How many times faster than with ${formatThreads(fewest)}; the dashed line would be ideal.`,
    { lines, xTitle: 'threads', yTitle: 'speed-up', guide },
  );
}

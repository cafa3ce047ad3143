import type { Line, LinePoint } from '../chart/picture.js';
import type { BenchResult, CellRecord } from '../schema/benchResult.js';
import { LIVE_SAMPLES } from '../schema/metrics.js';
import type { Chart } from './block.js';
import { significant } from './figures.js';
import { lineChart } from './lineChart.js';
import { stepsByLength } from './streamTables.js';
import { cellTitles, lineAxes, sweepSeries } from './sweepAxes.js';

/* The pictures of live runs. */

/** What a step takes by the length of its segment, a line a cell, under what it may take; null without steps. */
export function stepChart(result: BenchResult): Chart | null {
  const titleOf = cellTitles(result);
  const cells = result.cells.filter(({ settings, runs }) => settings.stream === true && runs.length > 0);
  const single = cells.length === 1;
  const lines = cells.flatMap((cell) =>
    [
      { title: single ? 'steps' : titleOf(cell), points: stepPoints(cell, false) },
      ...(single ? [{ title: 'where it became louder', points: stepPoints(cell, true) }] : []),
    ].filter(({ points }) => points.length > 0),
  );
  const seconds = lines.flatMap(({ points }) => points.map(({ x }) => x));
  const [shortest, longest] = [Math.min(...seconds), Math.max(...seconds)];
  if (lines.length === 0 || shortest === longest) return null;
  const chunks = new Set(cells.map(({ settings }) => settings.chunkSeconds ?? 0));
  const [chunk = 0] = chunks;
  const limit = [shortest, longest].map(
    (x): LinePoint => ({ x, y: 1000 * chunk, low: null, high: null, title: '' }),
  );
  const about = 'A step hears its segment from the start, and computes what is new.';
  return lineChart(
    'Steps along a segment',
    chunks.size > 1
      ? about
      : `${about} The dashed line is the audio that it is for: above it steps come late.`,
    {
      ...{ kind: 'lines', lines, xTitle: 'seconds of the segment', xName: 'seconds', yTitle: 'ms' },
      ...(chunks.size === 1 && { guide: { title: 'its audio', points: limit } }),
    },
  );
}

function stepPoints(cell: CellRecord, louder: boolean): LinePoint[] {
  return stepsByLength(cell, louder).map(({ seconds, count, stepMs }) => ({
    ...{ x: seconds, y: stepMs, low: null, high: null },
    title: `${significant(seconds)} s, ${count} step(s), ${significant(stepMs)} ms`,
  }));
}

/** What readers of live text wait for, along every numeric axis of a sweep. */
export function delayCharts(result: BenchResult): Chart[] {
  if (result.kind !== 'sweep' || result.cells.every(({ settings }) => settings.stream !== true)) return [];
  return lineAxes(result).flatMap((axis) => {
    const lines = sweepSeries(result, axis).flatMap(({ title, points }) =>
      LIVE_SAMPLES.filter(({ name }) => name !== 'step').map(
        (sample): Line => ({
          title: title === '' ? sample.title : `${title}: ${sample.title}`,
          points: points.flatMap(({ x, cell }) => delayPoint(x, cell, sample.name)),
        }),
      ),
    );
    const told = lines.filter(({ points }) => points.length > 0);
    if (told.length === 0) return [];
    const picture = {
      ...({ kind: 'lines', xTitle: axis.title, xName: axis.name, yTitle: 'ms' } as const),
      lines: told,
    };
    return [
      lineChart(`Delays by ${axis.title}`, 'Medians over all segments and words of all runs.', picture),
    ];
  });
}

function delayPoint(x: number, cell: CellRecord, name: string): LinePoint[] {
  const summary = cell.streamSummary?.[name];
  if (summary === undefined) return [];
  const { median, medianInterval } = summary;
  const [low, high] = [medianInterval?.low ?? null, medianInterval?.high ?? null];
  return [{ x, y: median, low, high, title: `${cell.id}, ${significant(median)} ms` }];
}

import { medianOf, valuesOf, wholeMetric } from '../analysis/summarizeResult.js';
import type { Bar, SamplePanel, SampleRow } from '../chart/picture.js';
import { PHASES } from '../phases.js';
import type { BenchResult, CellRecord } from '../schema/benchResult.js';
import { findMetric } from '../schema/metrics.js';
import type { RunRecord } from '../schema/runRecord.js';
import { quantile } from '../statistics/descriptive.js';
import type { Chart, FigureTable } from './block.js';
import { ledgerTable } from './cellTables.js';
import { figure, shownUnit, significant } from './figures.js';
import { cellTitles } from './sweepAxes.js';

/* The pictures of the runs of cells: their phases, their distribution and their order. */

/** The phases of a cell by their medians; null when it does not tell them. */
export function phaseBar(cell: CellRecord, title: string): Bar | null {
  const parts = PHASES.flatMap(({ metric: name, title: of, part: tone }) => {
    const ms = medianOf(name, cell);
    return ms === null ? [] : [{ name, title: of, ms, tone }];
  });
  const totalMs = medianOf('total', cell) ?? medianOf('encode', cell) ?? Number.NaN;
  return parts.length < 2 ? null : { id: cell.id, title, totalMs, parts };
}

/** More bars than this are no picture; the table has them all. */
const MOST_BARS = 40;

/** Where the time goes: the median of each phase, one bar a cell. */
export function phaseChart(result: BenchResult): Chart | null {
  const titleOf = cellTitles(result);
  const told = result.cells.flatMap((cell) => {
    const bar = phaseBar(cell, titleOf(cell));
    return bar === null ? [] : [{ cell, bar }];
  });
  if (told.length === 0) return null;
  const left = told.length > MOST_BARS ? ` The first ${MOST_BARS} of ${told.length} cells.` : '';
  return {
    title: 'Where the time goes',
    description: `Median milliseconds of each phase: the encoder's in blue, the decoder's in orange.${left}`,
    picture: { kind: 'bars', upright: false, bars: told.slice(0, MOST_BARS).map(({ bar }) => bar) },
    table: phaseTable(told),
  };
}

/** Of a single cell all that is known of its phases, of several their times. */
function phaseTable(told: readonly { readonly cell: CellRecord; readonly bar: Bar }[]): FigureTable {
  const [first, ...others] = told;
  if (first !== undefined && others.length === 0) return ledgerTable(first.cell);
  const names = PHASES.map(({ metric }) => metric).filter((metric) =>
    told.some(({ bar }) => bar.parts.some(({ name }) => name === metric)),
  );
  return {
    header: ['', ...names],
    rows: told.map(({ cell, bar }) => [
      cell.id,
      ...names.map((metric) => {
        const part = bar.parts.find(({ name }) => name === metric);
        return part === undefined ? '–' : significant(part.ms);
      }),
    ]),
  };
}

/** Every run of a cell by a metric; null where not every run tells. */
export function sampleRow(
  metric: string,
  cell: CellRecord,
  result: BenchResult,
  title: string,
): SampleRow | null {
  const values = valuesOf(metric, cell, result);
  const summary = cell.summary?.[metric];
  if (values === null) return null;
  return {
    ...{ title, values, disturbed: cell.runs.map(disturbance) },
    median: summary?.median ?? null,
    interval: summary?.medianInterval ?? null,
  };
}

function disturbance({ interference }: RunRecord): string | null {
  return interference?.noisy === true ? interference.reasons.join(', ') : null;
}

/** Cells whose medians are further apart than this do not share an axis in milliseconds. */
const LARGEST_RATIO = 1.5;

/** Every run as a dot, with the median, its interval and the quartiles; null when no cell has two runs. */
export function distributionChart(result: BenchResult): Chart | null {
  const cells = result.cells.filter((cell) => cell.runs.length >= 2);
  const titleOf = cellTitles(result);
  const single = cells.length <= 3;
  const panels = (single ? ['total', 'encode', 'decode'] : ['total', 'encode']).flatMap((metric) => {
    const told = cells.flatMap((cell) => {
      const row = sampleRow(metric, cell, result, titleOf(cell));
      return row === null ? [] : [{ cell, row }];
    });
    if (told.length === 0) return [];
    const medians = told.map(({ row }) => row.median ?? 0);
    const relative = Math.max(...medians) > LARGEST_RATIO * Math.min(...medians);
    const panel: SamplePanel = { title: metric, relative, rows: told.map(({ row }) => row) };
    return [{ panel, rows: told.map(({ cell, row }) => quartileRow(metric, cell, row)) }];
  });
  const shown = single ? panels : panels.slice(0, 1);
  if (shown.length === 0) return null;
  return {
    title: 'Distribution of the runs',
    description:
      'Every dot is a run. The line is the median, the dark bar its 95 % interval, the box the middle half of the runs; runs during which the machine was disturbed are hollow, arrows stand for runs beyond the axis.',
    picture: { kind: 'samples', panels: shown.map(({ panel }) => panel) },
    table: {
      header: ['', 'runs', 'min', 'quarter', 'median', 'three quarters', 'max', 'unit'],
      rows: shown.flatMap(({ rows }) => rows),
    },
  };
}

function quartileRow(metric: string, cell: CellRecord, { values }: SampleRow): string[] {
  const unit = findMetric(metric) ?? { unit: 'ms' as const };
  const points = [0, 0.25, 0.5, 0.75, 1].map((share) => figure(quantile(values, share), unit));
  return [`${cell.id}, ${metric}`, String(values.length), ...points, shownUnit(unit)];
}

/** More cells than this would be a tangle; a sweep has its own charts. */
const MOST_ORDERED = 4;

/** The runs in the order they were made, warm-up first: shows drift and disturbances. */
export function runOrderChart(result: BenchResult): Chart | null {
  const cells = result.cells.filter((cell) => cell.runs.length >= 2);
  if (cells.length === 0 || cells.length > MOST_ORDERED) return null;
  const titleOf = cellTitles(result);
  const series = cells.map((cell) => ({
    id: cell.id,
    title: titleOf(cell),
    warmupsMs: cell.warmups.map(({ totalMs }) => totalMs),
    runs: cell.runs.map((run) => ({ ms: run.totalMs, disturbed: disturbance(run) })),
    levelMs: medianOf('total', cell) ?? medianOf('encode', cell),
  }));
  const rows = cells.flatMap((cell) => {
    const values = valuesOf(wholeMetric(cell), cell, result) ?? [];
    return values.map((value, index) => [`${cell.id}, run ${index + 1}`, significant(value)]);
  });
  return {
    title: 'Runs in their order',
    description:
      'A level band without a trend is what a quiet machine shows. Warm-up runs are grey and count in no figure.',
    picture: { kind: 'runOrder', series },
    table: { header: ['run', 'ms'], rows },
  };
}

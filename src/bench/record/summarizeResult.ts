import { recordingSets } from '../analysis/recordingSets.js';
import type { BenchResult, CellRecord } from '../schema/benchResult.js';
import { findMetric, METRICS, type MetricContext, metricValues } from '../schema/metrics.js';
import { type Summary, summarize } from '../statistics/summarize.js';

/** The same result with the summary of every cell computed from its runs, and the sets from the cells. */
export function summarizeResult(result: BenchResult): BenchResult {
  return {
    ...result,
    cells: result.cells.map((cell) => ({ ...cell, summary: summarizeCell(cell, result) })),
    sets: recordingSets(result),
  };
}

/** The runs summed up by metric, without the metrics that not every run tells; null without a run. */
export function summarizeCell(
  cell: CellRecord,
  result: Pick<BenchResult, 'models' | 'audio'>,
): Readonly<Record<string, Summary>> | null {
  if (cell.runs.length === 0) return null;
  const context = metricContext(cell, result);
  const summaries: Record<string, Summary> = {};
  for (const metric of METRICS) {
    const values = metricValues(metric, cell, context);
    if (values !== null) summaries[metric.name] = summarize(values);
  }
  return summaries;
}

/** What the metrics of a cell need of the document around it. */
export function metricContext(
  { settings }: Pick<CellRecord, 'settings'>,
  { models, audio }: Pick<BenchResult, 'models' | 'audio'>,
): MetricContext {
  return {
    audioDurationMs: audio.find(({ id }) => id === settings.audio)?.durationMs ?? Number.NaN,
    encoderLayers: models.find(({ id }) => id === settings.model)?.encoderLayers ?? null,
  };
}

/** One value a run, or null when a run does not tell. */
export function valuesOf(metric: string, cell: CellRecord, result: BenchResult): number[] | null {
  const found = findMetric(metric);
  return found === undefined ? null : metricValues(found, cell, metricContext(cell, result));
}

/** The metric that stands for a run as a whole: `encode` for the encoder alone. */
export function wholeMetric(cell: CellRecord): string {
  return cell.settings.mode === 'encoder' ? 'encode' : 'total';
}

/** Median of a metric of a cell; null when it has none. */
export function medianOf(metric: string, cell: CellRecord): number | null {
  return cell.summary?.[metric]?.median ?? null;
}

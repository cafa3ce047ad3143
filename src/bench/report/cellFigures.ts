import { metricContext } from '../record/summarizeResult.js';
import type { BenchResult, CellRecord } from '../schema/benchResult.js';
import { findMetric, metricValues } from '../schema/metrics.js';

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

import type { BenchResult, CellRecord } from '../schema/benchResult.js';
import { findMetric } from '../schema/metrics.js';
import { figure, shownUnit } from './figures.js';
import type { FigureTable } from './summaryTable.js';
import { sweepAxes } from './sweepAxes.js';

/** Columns of the table: the medians that sweeps are made for. */
const COLUMNS = ['total', 'encode', 'decode', 'rt_factor', 'first_token', 'tokens_per_second'] as const;

/** All cells of a sweep in one table, a row each: what varies, and the medians. */
export function sweepTable(result: BenchResult): FigureTable {
  const axes = sweepAxes(result);
  const metrics = COLUMNS.flatMap((name) => {
    const metric = findMetric(name);
    const told = result.cells.some((cell) => cell.summary?.[name] !== undefined);
    return metric !== undefined && told ? [metric] : [];
  });
  const rows = result.cells.map((cell) => {
    const medians = metrics.flatMap((metric) => {
      const summary = cell.summary?.[metric.name];
      const median = summary === undefined ? '–' : figure(summary.median, metric);
      return metric.name === 'total' || metric.name === 'encode'
        ? [median, spread(cell, metric.name)]
        : [median];
    });
    return [cell.id, ...axes.map(({ of }) => String(of(cell) ?? '–')), String(cell.runs.length), ...medians];
  });
  const titles = metrics.flatMap((metric) => {
    const title = `${metric.name} ${shownUnit(metric)}`;
    return metric.name === 'total' || metric.name === 'encode' ? [title, '±'] : [title];
  });
  return { header: ['cell', ...axes.map(({ name }) => name), 'runs', ...titles], rows };
}

/** The larger side of the median's interval, in percent; a dash without one. */
function spread(cell: CellRecord, metric: string): string {
  const summary = cell.summary?.[metric];
  if (summary === undefined || summary.medianInterval === null || summary.median === 0) return '–';
  const { low, high } = summary.medianInterval;
  const reach = Math.max(high - summary.median, summary.median - low) / summary.median;
  return `${(100 * reach).toFixed(1)} %`;
}

/** The cell with the shortest run of those that ran on the same audio, by threads: which `-t` to use; '' without threads. */
export function bestThreads(result: BenchResult): string {
  const axis = sweepAxes(result).find(({ name }) => name === 'threads');
  if (axis === undefined) return '';
  const sums = new Map<number, number>();
  const counts = new Map<number, number>();
  for (const cell of result.cells) {
    const median = cell.summary?.['total']?.median ?? cell.summary?.['encode']?.median;
    const threads = cell.settings.threads;
    if (median === undefined || threads === null) continue;
    sums.set(threads, (sums.get(threads) ?? 0) + Math.log(median));
    counts.set(threads, (counts.get(threads) ?? 0) + 1);
  }
  // Cells that are missing on some thread counts would tip the balance.
  if (new Set(counts.values()).size > 1) return '';
  const [best] = [...sums].sort(([, a], [, b]) => a - b);
  return best === undefined ? '' : `fastest on the whole: -t ${best[0]}`;
}

import { threadScaling } from '../analysis/threadScaling.js';
import type { BenchResult, CellRecord } from '../schema/benchResult.js';
import { findMetric } from '../schema/metrics.js';
import { figure, shownTitle } from './figures.js';
import type { FigureTable } from './summaryTable.js';
import { cellTitles, sweepAxes } from './sweepAxes.js';

/** Columns of the table: the medians that sweeps are made for. */
const COLUMNS = [
  'total',
  'encode',
  'decode',
  'rt_factor',
  'first_token',
  'tokens_per_second',
  'process',
] as const;

/** All measured cells of a sweep in one table, a row each: what varies, and the medians. */
export function sweepTable(result: BenchResult): FigureTable {
  // What is compared is named as the user did.
  const axes = result.kind === 'comparison' ? [] : sweepAxes(result);
  const titleOf = cellTitles(result);
  const metrics = COLUMNS.flatMap((name) => {
    const metric = findMetric(name);
    const told = result.cells.some((cell) => cell.summary?.[name] !== undefined);
    return metric !== undefined && told ? [metric] : [];
  });
  // The first is what a table is read for: total, or encode for the encoder alone.
  const whole = metrics[0]?.name;
  // A cell without runs has nothing to show, and what it was to have may not be known.
  const measured = result.cells.filter(({ runs }) => runs.length > 0);
  const rows = measured.map((cell) => {
    const medians = metrics.flatMap((metric) => {
      const summary = cell.summary?.[metric.name];
      const median = summary === undefined ? '–' : figure(summary.median, metric);
      return metric.name === whole ? [median, spread(cell, metric.name)] : [median];
    });
    const varied = axes.map(({ of }) => String(of(cell) ?? '–'));
    return [...(axes.length === 0 ? [titleOf(cell)] : varied), String(cell.runs.length), ...medians];
  });
  const titles = metrics.flatMap((metric) => {
    const title = shownTitle(metric);
    return metric.name === whole ? [title, '±'] : [title];
  });
  const names = axes.length === 0 ? ['cell'] : axes.map(({ name }) => name);
  return { header: [...names, 'runs', ...titles], rows };
}

/** The larger side of the median's interval, in percent; a dash without one. */
function spread(cell: CellRecord, metric: string): string {
  const summary = cell.summary?.[metric];
  if (summary === undefined || summary.medianInterval === null || summary.median === 0) return '–';
  const { low, high } = summary.medianInterval;
  const reach = Math.max(high - summary.median, summary.median - low) / summary.median;
  return `${(100 * reach).toFixed(1)} %`;
}

/** Which `-t` is best, a sentence for each number that is, with the settings of the other axes it is best for. */
export function threadAdvice(result: BenchResult): string[] {
  const scalings = threadScaling(result);
  const best = [...new Set(scalings.map(({ bestThreads }) => bestThreads))].sort((a, b) => a - b);
  return best.map((threads) => {
    const labels = scalings.filter(({ bestThreads }) => bestThreads === threads).map(({ label }) => label);
    const all = labels.length === scalings.length && labels.length > 1;
    return `best -t ${threads}${all ? ' everywhere' : labels[0] === '' ? '' : ` (${labels.join('; ')})`}`;
  });
}

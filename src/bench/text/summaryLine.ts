import { wholeMetric } from '../record/summarizeResult.js';
import type { BenchResult } from '../schema/benchResult.js';
import { runsForMedianInterval } from '../statistics/orderStatistics.js';

/**
 * The last line of a single setting: `median 1812.0 ms, 95 % interval 1788.0 to 1842.0 ms, disturbed: 1 of 10 runs`; of
 * the whole run, or of the encoder where it alone ran.
 *
 * @returns nothing when no run was finished, and for several settings, whose tables say it
 */
export function summaryLine({ kind, cells }: BenchResult): string {
  const [cell] = cells;
  const summary = cell?.summary?.[wholeMetric(cell)];
  if (kind !== 'benchmark' || cell === undefined || summary === undefined) return '';
  const { median, medianInterval } = summary;
  const interval =
    medianInterval === null
      ? `95 % interval from ${runsForMedianInterval()} runs on`
      : `95 % interval ${medianInterval.low.toFixed(1)} to ${medianInterval.high.toFixed(1)} ms`;
  const { runs } = cell;
  const disturbed = runs.filter(({ interference }) => interference?.noisy).length;
  const known = runs.some(({ interference }) => interference !== null);
  const share = known ? `${disturbed} of ${runs.length} runs` : 'not known on this system';
  return `\nmedian ${median.toFixed(1)} ms, ${interval}, disturbed: ${share}\n`;
}

import { significant } from '../output/figures.js';
import type { FigureTable } from '../output/summaryTable.js';
import { sweepAxes, sweepSeries } from '../output/sweepAxes.js';
import type { BenchResult, CellRecord } from '../schema/benchResult.js';
import { fitOverhead, type OverheadRun } from '../statistics/overheadFit.js';

/** What a run costs by itself, for each second and for each token, one row a line of a length sweep; null without one. */
export function overheadTable(result: BenchResult): FigureTable | null {
  const axis = sweepAxes(result).find(({ name }) => name === 'seconds');
  if (axis === undefined) return null;
  const rows = sweepSeries(result, axis).flatMap(({ title, points }) => {
    const runs = points.flatMap(({ x, cell }) => overheadRuns(x, cell));
    if (runs.length < 4) return [];
    const { fixedMs, msPerSecond, msPerToken, rSquared } = fitOverhead(runs);
    const show = (one: { value: number; low: number; high: number }) =>
      `${significant(one.value)} (${significant(one.low)} … ${significant(one.high)})`;
    return [
      [
        title === '' ? 'all cells' : title,
        show(fixedMs),
        show(msPerSecond),
        msPerToken === null ? '–' : show(msPerToken),
        rSquared.toFixed(4),
      ],
    ];
  });
  if (rows.length === 0) return null;
  return { header: ['', 'fixed ms', 'ms a second', 'ms a token', 'R²'], rows };
}

function overheadRuns(audioSeconds: number, { runs }: CellRecord): OverheadRun[] {
  return runs.map(({ totalMs, tokens }) => ({ totalMs, audioSeconds, tokens: tokens ?? 0 }));
}

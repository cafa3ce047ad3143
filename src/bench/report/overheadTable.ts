import { significant } from '../output/figures.js';
import type { FigureTable } from '../output/summaryTable.js';
import { sweepAxes, sweepSeries } from '../output/sweepAxes.js';
import type { BenchResult, CellRecord } from '../schema/benchResult.js';
import { FEWEST_LENGTHS, fitOverhead, type OverheadRun } from '../statistics/overheadFit.js';

/**
 * What a run costs by itself, for each second and for each token, one row a line of a length sweep. Null without one: of
 * different recordings, whose lengths differ and what is said too, no line can be drawn.
 */
export function overheadTable(result: BenchResult): FigureTable | null {
  const axis = sweepAxes(result).find(({ name }) => name === 'seconds');
  if (result.kind !== 'sweep' || axis === undefined) return null;
  const rows = sweepSeries(result, axis).flatMap(({ title, points }) => {
    if (new Set(points.map(({ x }) => x)).size < FEWEST_LENGTHS) return [];
    if (new Set(points.map(({ cell }) => soundOf(cell, result))).size > 1) return [];
    const runs = points.flatMap(({ x, cell }) => overheadRuns(x, cell));
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

/** What is heard, whatever its length: silence, or a recording. */
function soundOf({ settings }: CellRecord, { audio }: BenchResult): string | null {
  return audio.find(({ id }) => id === settings.audio)?.path ?? null;
}

function overheadRuns(audioSeconds: number, { runs }: CellRecord): OverheadRun[] {
  return runs.map(({ totalMs, tokens }) => ({ totalMs, audioSeconds, tokens: tokens ?? 0 }));
}

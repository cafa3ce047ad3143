import { recordingSets } from '../analysis/recordingSets.js';
import type { BenchResult, SetRecord } from '../schema/benchResult.js';
import { significant } from './figures.js';
import type { FigureTable } from './summaryTable.js';
import { RECORDING_AXES, sweepAxes } from './sweepAxes.js';

/** All recordings of each setting together: how many, how much audio, medians of time and real-time factor; null without a set. */
export function setTable(result: BenchResult): FigureTable | null {
  const sets = recordingSets(result);
  if (sets.length === 0) return null;
  const axes = sweepAxes(result).filter(
    ({ name }) => !RECORDING_AXES.has(name) && tellsApart(name, sets, result),
  );
  const rows = sets.map((set) => {
    const { total, rt_factor: factor } = set.summary;
    const [first] = cellsOf(set, result);
    return [
      ...axes.map(({ of }) => String((first && of(first)) ?? '–')),
      String(set.cells.length),
      (set.audioMs / 1000).toFixed(1),
      String(set.totalsMs.length),
      total === undefined ? '–' : significant(total.median),
      factor === undefined ? '–' : significant(factor.median),
      factor === undefined ? '–' : `${significant(factor.min)} … ${significant(factor.max)}`,
    ];
  });
  const figures = ['recordings', 'audio s', 'rounds', 'total ms', 'rt_factor x RT', 'min … max'];
  return { header: [...axes.map(({ name }) => name), ...figures], rows };
}

/** An axis that has one value in each set; tokens of random weights have one for each recording. */
function tellsApart(name: string, sets: readonly SetRecord[], result: BenchResult): boolean {
  const axis = sweepAxes(result).find((one) => one.name === name);
  return sets.every((set) => new Set(cellsOf(set, result).map((cell) => axis?.of(cell))).size === 1);
}

function cellsOf({ cells }: SetRecord, result: BenchResult) {
  return result.cells.filter(({ id }) => cells.includes(id));
}

import { significant } from '../output/figures.js';
import type { FigureTable } from '../output/summaryTable.js';
import type { BenchResult, CellRecord } from '../schema/benchResult.js';

/** All cells of a sweep or a comparison, a row each, by the medians of their runs. */
export function cellTable({ cells }: BenchResult): FigureTable {
  return {
    header: ['', 'runs', 'total ms', '95 % interval', 'encode', 'decode', 'rt', 'tokens/s'],
    rows: cells.map((cell) => {
      const { id, runs, error, summary } = cell;
      if (runs.length === 0) return [id, '0', error === null ? '–' : 'failed'];
      // Of the encoder alone the whole is the encoder's time.
      const total = summary?.['total'] ?? summary?.['encode'];
      const range = total?.medianInterval ?? null;
      return [
        id,
        String(runs.length),
        shown(total?.median),
        range === null ? '–' : `${significant(range.low)} … ${significant(range.high)}`,
        medianOf(cell, 'encode'),
        medianOf(cell, 'decode'),
        medianOf(cell, 'rt_factor'),
        medianOf(cell, 'tokens_per_second'),
      ];
    }),
  };
}

function medianOf({ summary }: CellRecord, metric: string): string {
  return shown(summary?.[metric]?.median);
}

function shown(value: number | undefined): string {
  return value === undefined ? '–' : significant(value);
}

import { recordingSets } from '../analysis/recordingSets.js';
import type { BenchResult } from '../schema/benchResult.js';
import { summarizeCell } from './summarizeCell.js';

/** The same result with the summary of every cell computed from its runs, and the sets from the cells. */
export function summarizeResult(result: BenchResult): BenchResult {
  return {
    ...result,
    cells: result.cells.map((cell) => ({ ...cell, summary: summarizeCell(cell, result) })),
    sets: recordingSets(result),
  };
}

import { findTokenChange } from '../compare/tokenChange.js';
import type { BenchResult, CellRecord } from '../schema/benchResult.js';

/**
 * Says which cells of a sweep differ in nothing but the size of the batch and yet decoded other tokens: the order in which
 * sums are taken depends on it, so it may happen, and whoever chooses a size should know.
 *
 * @returns one sentence for each such cell, against the first of its kind
 */
export function changedByBatch(result: BenchResult): string[] {
  const side = { name: 'this measurement', result };
  const firsts = new Map<string, CellRecord>();
  return result.cells.flatMap((cell) => {
    const { batch: _, ...settings } = cell.settings;
    const key = JSON.stringify(settings);
    const first = firsts.get(key);
    if (first === undefined) {
      firsts.set(key, cell);
      return [];
    }
    const { same, difference } = findTokenChange({ a: first, b: cell }, side, side);
    return same === false ? [`${first.id} / ${cell.id}: ${difference}`] : [];
  });
}

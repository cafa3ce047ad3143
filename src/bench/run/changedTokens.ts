import { findTokenChange } from '../compare/tokenChange.js';
import type { BenchResult } from '../schema/benchResult.js';

/**
 * Cells of a comparison that recognise something else than the first, although nothing but speed was to differ: not
 * those with another model, on random weights, with a number of tokens or with another language.
 *
 * @returns their ids
 */
export function changedTokens(result: BenchResult): string[] {
  const [first, ...others] = result.cells;
  if (result.kind !== 'comparison' || first === undefined) return [];
  const side = { name: 'this measurement', result };
  return others
    .filter((cell) => {
      const { same, matters } = findTokenChange({ a: first, b: cell }, side, side);
      return same === false && matters;
    })
    .map(({ id }) => id);
}

import type { Capabilities } from '../../../jit/ir.js';
import type { ProductPolicy } from '../productPolicy.js';

/** A and B in bf16: `dotPairs`, lanes along K, 2·lanes elements a step (needs `pairDot`). */
export function pairDot({ lanes, tuning }: Capabilities): ProductPolicy {
  return {
    name: 'pairDot',
    aBytes: 2,
    bBytes: 2,
    stepElements: 2 * lanes,
    tileRows: tuning.tileRows,
    tileColumns: 4,
    initAccumulators: (k, count) => Array.from({ length: count }, () => k.vecConst(0)),
    loadA: (k, from) => k.load(from),
    loadB: (k, from) => k.load(from),
    product: (k, accumulator, a, b) =>
      'base' in a ? k.dotPairs(accumulator, b, a) : k.dotPairs(accumulator, a, b),
    finish: (k, accumulators) => k.reduce4(accumulators, accumulators[0]),
  };
}

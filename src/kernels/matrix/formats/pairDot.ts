import type { Capabilities } from '../../../jit/ir.js';
import { LANES_ALONG_K, type ProductPolicy } from '../productPolicy.js';

/** A and B in bf16: `dotPairs`, lanes along K, 2·lanes elements a step (needs `pairDot`). */
export function pairDot({ lanes, tuning }: Capabilities): ProductPolicy {
  return {
    ...LANES_ALONG_K,
    name: 'pairDot',
    aBytes: 2,
    stepElements: 2 * lanes,
    bStepBytes: 4 * lanes,
    tileRows: tuning.tileRows,
    loadB: (k, from) => k.load(from),
    product: (k, accumulator, a, b) =>
      'base' in a ? k.dotPairs(accumulator, b, a) : k.dotPairs(accumulator, a, b),
  };
}

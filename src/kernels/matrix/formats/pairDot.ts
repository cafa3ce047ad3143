import type { Capabilities } from '../../../jit/ir.js';
import type { ProductPolicy } from '../productPolicy.js';

/** A and B in bf16: `dotPairs`, lanes along K, 2·lanes elements a step (needs `pairDot`). */
export function pairDot({ lanes, tuning }: Capabilities): ProductPolicy {
  return {
    name: 'pairDot',
    aBytes: 2,
    stepElements: 2 * lanes,
    bStepBytes: 4 * lanes,
    tileRows: tuning.tileRows,
    tileColumns: 4,
    bOffsets: (strideBytes) => [0, 1, 2, 3].map((column) => column * strideBytes),
    initAccumulators: (k, count) => Array.from({ length: count }, () => k.vecConst(0)),
    loadA: (k, from) => k.load(from),
    loadB: (k, from) => k.load(from),
    product: (k, accumulator, a, b) =>
      'base' in a ? k.dotPairs(accumulator, b, a) : k.dotPairs(accumulator, a, b),
    group: null,
    finish: (k, [a, b, c, d]) => [k.reduce4([a!, b!, c!, d!], a)],
  };
}

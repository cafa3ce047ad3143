import type { Capabilities } from '../../../jit/ir.js';
import { OPERAND_BYTES, type OperandDtype, type ProductPolicy } from '../productPolicy.js';

/** A in f32, B in f32 or in bf16 that is widened exactly: fused multiply-add, lanes along K, lanes elements a step. */
export function widenDot(
  { lanes, widensInPairs, tuning }: Capabilities,
  weight: OperandDtype,
): ProductPolicy {
  const isNarrow = weight === 'bf16';
  return {
    name: 'widenDot',
    aBytes: OPERAND_BYTES.f32,
    stepElements: lanes,
    bStepBytes: OPERAND_BYTES[weight] * lanes,
    tileRows: tuning.tileRows,
    tileColumns: 4,
    bOffsets: (strideBytes) => [0, 1, 2, 3].map((column) => column * strideBytes),
    initAccumulators: (k, count) => Array.from({ length: count }, () => k.vecConst(0)),
    loadA: (k, from) => k.load(from),
    loadB: (k, from) => k.load(from, isNarrow ? 'bf16' : 'raw'),
    ...(widensInPairs && isNarrow && { loadPair: (k, from) => k.loadPair(from) }),
    product: (k, accumulator, a, b) => ('base' in a ? k.fma(accumulator, b, a) : k.fma(accumulator, a, b)),
    group: null,
    finish: (k, [a, b, c, d]) => [k.reduce4([a!, b!, c!, d!], a)],
  };
}

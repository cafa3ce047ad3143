import type { Capabilities } from '../../../jit/ir.js';
import { LANES_ALONG_K, OPERAND_BYTES, type OperandDtype, type ProductPolicy } from '../productPolicy.js';

/** A in f32, B in f32 or in bf16 that is widened exactly: fused multiply-add, lanes along K, lanes elements a step. */
export function widenDot(
  { lanes, widensInPairs, tuning }: Capabilities,
  weight: OperandDtype,
): ProductPolicy {
  const isNarrow = weight === 'bf16';
  return {
    ...LANES_ALONG_K,
    name: 'widenDot',
    aBytes: OPERAND_BYTES.f32,
    stepElements: lanes,
    bStepBytes: OPERAND_BYTES[weight] * lanes,
    tileRows: tuning.tileRows,
    loadB: (k, from) => k.load(from, isNarrow ? 'bf16' : 'raw'),
    ...(widensInPairs && isNarrow && { loadPair: (k, from) => k.loadPair(from) }),
    product: (k, accumulator, a, b) => ('base' in a ? k.fma(accumulator, b, a) : k.fma(accumulator, a, b)),
  };
}

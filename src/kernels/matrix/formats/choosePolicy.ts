import type { Capabilities } from '../../../jit/ir.js';
import type { OperandDtype, ProductPolicy } from '../productPolicy.js';
import { pairDot } from './pairDot.js';
import { widenDot } from './widenDot.js';

/** By the types of activations and weights: a new format is a file beside this one, and a line here. */
const POLICIES: Readonly<
  Record<OperandDtype, (capabilities: Capabilities, weight: OperandDtype) => ProductPolicy>
> = {
  bf16: pairDot,
  f32: widenDot,
};

/** Picks the policy for operand types; bf16 activations exist only where the target has `pairDot`. */
export function choosePolicy(capabilities: Capabilities, a: OperandDtype, b: OperandDtype): ProductPolicy {
  return POLICIES[a](capabilities, b);
}

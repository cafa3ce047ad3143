import type { Operators, Scope, Tensor } from '../ops/operators.js';
import type { DecoderContext } from './decoderLayers.js';

/** The greedy choice for one row. */
export interface Choice {
  readonly id: number;
  /** The chosen token's logit, the highest of all; NaN when any logit is NaN. */
  readonly logit: number;
  /** ln of the chosen token's probability. */
  readonly logProbability: number;
}

/** Where a pass leaves its choices, one a row. */
export interface ChoiceTensors {
  /** [rows] i32 */
  readonly ids: Tensor;
  /** [rows] f32 */
  readonly best: Tensor;
  /** [rows] f32 */
  readonly logSumExp: Tensor;
}

/** Tensors for the choices of `rows` rows. */
export function choiceTensors(scope: Scope, rows: number): ChoiceTensors {
  return {
    ids: scope.tensor('chosen ids', [rows], 'i32'),
    best: scope.tensor('best logits', [rows], 'f32'),
    logSumExp: scope.tensor('log-sum-exp', [rows], 'f32'),
  };
}

/** Records final norm and greedy choice over `stream` [rows, hidden] f32; `normed` the same, operand. */
export function recordDecoderHead(
  ops: Operators,
  { config, weights }: DecoderContext,
  { stream, normed }: { stream: Tensor; normed: Tensor },
  choices: ChoiceTensors,
): void {
  ops.rmsNorm({ x: stream, weight: weights.norm, epsilon: config.rmsNormEpsilon, y: normed });
  ops.argmaxLinear({ x: normed, weight: weights.lmHead, ...choices });
}

/** The choices of the pass that has just run. */
export function readChoices({ ids, best, logSumExp }: ChoiceTensors): Choice[] {
  const logits = best.read();
  const sums = logSumExp.read();
  return Array.from(ids.readIntegers(), (id, row) => {
    const logit = logits[row]!;
    return { id, logit, logProbability: logit - sums[row]! };
  });
}

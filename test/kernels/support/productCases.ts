import type { LinearShape } from '../../../src/kernels/registry/modelShapes.js';
import type { Random } from '../../support/random.js';
import type { KernelTarget } from './kernelHarness.js';
import type { Dtype, ProductCase } from './productRun.js';

/** Types of A and B that a target has a policy for. */
export function operandTypes(target: KernelTarget): (readonly [Dtype, Dtype])[] {
  const widening = [
    ['f32', 'bf16'],
    ['f32', 'f32'],
  ] as const;
  return target.capabilities.pairDot ? [...widening, ['bf16', 'bf16']] : [...widening];
}

/** A product of a layer. */
export function linearCase(
  shape: LinearShape,
  [aDtype, bDtype]: readonly [Dtype, Dtype],
  m: number,
): ProductCase {
  const { n, depth, bias, activation, residual } = shape;
  const yDtype = shape.yIsOperand ? aDtype : 'f32';
  return { aDtype, bDtype, yDtype, m, n, depth, bias, activation, residual, gap: 0 };
}

/** Any shape and epilogue that the kernels allow, also where no tile divides the columns. */
export function randomProduct(
  random: Random,
  [aDtype, bDtype]: readonly [Dtype, Dtype],
  m: number,
  largest: number,
): { what: ProductCase; columnsPerTile: number } {
  const pick = <T>(choices: readonly T[]): T => choices[random.integer(0, choices.length - 1)]!;
  const n = random.integer(16, 16 * largest);
  const columnsPerTile = Math.min(16 * random.integer(1, 4), n - (n % 16));
  const yDtype = pick(aDtype === 'bf16' ? (['f32', 'bf16'] as const) : (['f32'] as const));
  const what: ProductCase = {
    aDtype,
    bDtype,
    yDtype,
    m,
    n,
    depth: (aDtype === 'bf16' ? 32 : 16) * random.integer(1, 2 * largest),
    bias: random.integer(0, 1) === 0,
    activation: pick(['none', 'gelu', 'swiglu']),
    // Where the last tile overlaps the one before, y cannot be its own residual, which is in f32.
    residual: pick(
      n % columnsPerTile === 0 && yDtype === 'f32' ? ['none', 'self', 'other'] : ['none', 'other'],
    ),
    gap: 32 * random.integer(0, 2),
  };
  return { what, columnsPerTile };
}

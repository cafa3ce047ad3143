import type { KernelBuilder } from '../../jit/builder.js';
import type { IntReg, VecReg } from '../../jit/ir.js';
import { type ArgumentUses, defineKernel, type Kernel, type KernelParams, rowRange } from '../kernel.js';
import { OPERAND_BYTES, type OperandDtype } from '../matrix/productPolicy.js';

export interface NormSpec {
  /** Elements of a row; a multiple of 16. */
  readonly length: number;
  readonly epsilon: number;
  readonly yDtype: OperandDtype;
  readonly rowsPerTile: number;
}

/** x [m, length] f32, y the same of yDtype, weight [length] f32. */
const RMS_NORM_ARGUMENTS = {
  x: 'reads',
  y: 'writes',
  weight: 'reads',
  m: 'number',
} as const satisfies ArgumentUses;

/**
 * y = x / √(mean(x²) + ε) ⊙ weight, row by row; x [M, length] f32, y operand.
 * Error: (length/lanes + 12)·2⁻²⁴ relative to |y|, and the rounding of y.
 */
export function rmsNorm(spec: NormSpec): Kernel<typeof RMS_NORM_ARGUMENTS> {
  const { length, epsilon, yDtype, rowsPerTile } = spec;
  return defineKernel({
    name: `rmsNorm.${length}.${epsilon}.${yDtype}.t${rowsPerTile}`,
    args: RMS_NORM_ARGUMENTS,
    tiles: ({ m }) => Math.ceil(m / rowsPerTile),
    emit: (k, params) => emitRmsNorm(k, spec, params),
  });
}

function emitRmsNorm(
  k: KernelBuilder,
  spec: NormSpec,
  { args, tile }: KernelParams<typeof RMS_NORM_ARGUMENTS>,
): void {
  const { first, count } = rowRange(k, tile, spec.rowsPerTile, args.m);
  const yBytes = OPERAND_BYTES[spec.yDtype];
  const x = args.x();
  k.advance(x, k.intOp('mul', first, 4 * spec.length));
  const y = args.y();
  k.advance(y, k.intOp('mul', first, yBytes * spec.length));
  const weight = args.weight();
  k.loop(count, () => {
    const scale = emitRmsScale(k, x, spec.length, spec.epsilon);
    const offset = k.intConst(0);
    k.while('lt', offset, 4 * spec.length, () => {
      const value = k.mul(scale, k.at(x, 0, offset));
      k.mul(value, k.at(weight, 0, offset), value);
      k.store(k.at(y), value, spec.yDtype === 'bf16' ? 'bf16' : 'raw');
      k.advance(y, yBytes * k.lanes);
      k.advance(offset, 4 * k.lanes);
    });
    k.advance(x, 4 * spec.length);
  });
}

/** 1/√(mean(x²) + ε) in every lane, of one row of f32. */
export function emitRmsScale(k: KernelBuilder, x: IntReg, length: number, epsilon: number): VecReg {
  const sum = k.vecConst(0);
  const offset = k.intConst(0);
  k.while('lt', offset, 4 * length, () => {
    const value = k.load(k.at(x, 0, offset));
    k.fma(sum, value, value);
    k.advance(offset, 4 * k.lanes);
  });
  const mean = k.mul(k.reduce('add', sum), k.vecConst(1 / length));
  k.add(mean, k.vecConst(epsilon), mean);
  return k.div(k.vecConst(1), k.unary('sqrt', mean, mean));
}

/** x [m, length] f32, y the same of yDtype, weight and bias [length] f32. */
const LAYER_NORM_ARGUMENTS = {
  x: 'reads',
  y: 'writes',
  weight: 'reads',
  bias: 'reads',
  m: 'number',
} as const satisfies ArgumentUses;

/**
 * y = (x − mean) / √(variance + ε) ⊙ weight + bias, row by row; x [M, length] f32, y operand. Two passes: the variance
 * is taken around the mean, so that nothing cancels.
 * Error: (length/lanes + 12)·2⁻²⁴ of (max|x − mean| + mean|x|)·scale·|weight| + |bias|, and the rounding of y.
 */
export function layerNorm(spec: NormSpec): Kernel<typeof LAYER_NORM_ARGUMENTS> {
  const { length, epsilon, yDtype, rowsPerTile } = spec;
  return defineKernel({
    name: `layerNorm.${length}.${epsilon}.${yDtype}.t${rowsPerTile}`,
    args: LAYER_NORM_ARGUMENTS,
    tiles: ({ m }) => Math.ceil(m / rowsPerTile),
    emit: (k, params) => emitLayerNorm(k, spec, params),
  });
}

function emitLayerNorm(
  k: KernelBuilder,
  spec: NormSpec,
  { args, tile }: KernelParams<typeof LAYER_NORM_ARGUMENTS>,
): void {
  const { first, count } = rowRange(k, tile, spec.rowsPerTile, args.m);
  const yBytes = OPERAND_BYTES[spec.yDtype];
  const x = args.x();
  k.advance(x, k.intOp('mul', first, 4 * spec.length));
  const y = args.y();
  k.advance(y, k.intOp('mul', first, yBytes * spec.length));
  const weight = args.weight();
  const bias = args.bias();
  k.loop(count, () => {
    const mean = emitMean(k, x, spec.length);
    const scale = emitScale(k, x, mean, spec);
    const offset = k.intConst(0);
    k.while('lt', offset, 4 * spec.length, () => {
      const value = k.sub(k.load(k.at(x, 0, offset)), mean);
      k.mul(value, scale, value);
      const result = k.load(k.at(bias, 0, offset));
      k.fma(result, value, k.at(weight, 0, offset));
      k.store(k.at(y), result, spec.yDtype === 'bf16' ? 'bf16' : 'raw');
      k.advance(y, yBytes * k.lanes);
      k.advance(offset, 4 * k.lanes);
    });
    k.advance(x, 4 * spec.length);
  });
}

function emitMean(k: KernelBuilder, x: IntReg, length: number): VecReg {
  const sum = k.vecConst(0);
  const offset = k.intConst(0);
  k.while('lt', offset, 4 * length, () => {
    k.add(sum, k.at(x, 0, offset), sum);
    k.advance(offset, 4 * k.lanes);
  });
  return k.mul(k.reduce('add', sum), k.vecConst(1 / length));
}

/** 1/√(variance + ε) in every lane. */
function emitScale(k: KernelBuilder, x: IntReg, mean: VecReg, spec: NormSpec): VecReg {
  const sum = k.vecConst(0);
  const offset = k.intConst(0);
  k.while('lt', offset, 4 * spec.length, () => {
    const value = k.sub(k.load(k.at(x, 0, offset)), mean);
    k.fma(sum, value, value);
    k.advance(offset, 4 * k.lanes);
  });
  const variance = k.mul(k.reduce('add', sum), k.vecConst(1 / spec.length));
  k.add(variance, k.vecConst(spec.epsilon), variance);
  return k.div(k.vecConst(1), k.unary('sqrt', variance, variance));
}

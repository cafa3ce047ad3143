import type { KernelBuilder } from '../../jit/builder.js';
import type { IntOperand, IntReg, VecReg } from '../../jit/ir.js';
import { type ArgumentUses, defineKernel, type Kernel, type KernelParams, rowRange } from '../kernel.js';
import type { QuantizedRows } from '../matrix/formats/affineBlocks.js';
import { OPERAND_BYTES, type OperandDtype } from '../matrix/productPolicy.js';

/** x [m, depth], y [at least m rows of `rows.rowBytes(depth)`]. */
const QUANTIZE_ARGUMENTS = { x: 'reads', y: 'writes', m: 'number' } as const satisfies ArgumentUses;

export interface QuantizeActivationsSpec {
  readonly depth: number;
  readonly xDtype: OperandDtype;
  readonly rows: QuantizedRows;
  readonly rowsPerTile: number;
}

/** Below it a group counts as zeros: its inverse would not be finite. */
const LEAST_MAGNITUDE = 1e-30;

/**
 * x as integers by row and group: scale = max|x| / most, q the nearest to x / scale; with 7 bits scale = (max x − min x) /
 * most, where zero counts as one of x. A group with a value that is not finite has a scale that is NaN.
 *
 * Error: |x − scale·q| ≤ scale·(½ + most·2⁻²²).
 */
export function quantizeActivations(spec: QuantizeActivationsSpec): Kernel<typeof QUANTIZE_ARGUMENTS> {
  const { depth, xDtype, rows, rowsPerTile } = spec;
  return defineKernel({
    name: `quantizeActivations.${depth}.${xDtype}.${rows.name}.t${rowsPerTile}`,
    args: QUANTIZE_ARGUMENTS,
    tiles: ({ m }) => Math.ceil(m / rowsPerTile),
    emit: (k, params) => emit(k, spec, params),
  });
}

function emit(
  k: KernelBuilder,
  { depth, xDtype, rows, rowsPerTile }: QuantizeActivationsSpec,
  { args, tile }: KernelParams<typeof QUANTIZE_ARGUMENTS>,
): void {
  const { first, count } = rowRange(k, tile, rowsPerTile, args.m);
  const x = args.x();
  k.advance(x, k.intOp('mul', first, OPERAND_BYTES[xDtype] * depth));
  const y = args.y();
  k.advance(y, k.intOp('mul', first, rows.rowBytes(depth)));
  const groups = k.intOp('mul', count, depth / rows.groupSize);
  emitQuantizedGroups(k, { xDtype, rows }, { x, y, groups });
}

/** Quantises `groups` groups that follow one another; both places are moved behind them. */
export function emitQuantizedGroups(
  k: KernelBuilder,
  { xDtype, rows }: Pick<QuantizeActivationsSpec, 'xDtype' | 'rows'>,
  { x, y, groups }: { readonly x: IntReg; readonly y: IntReg; readonly groups: IntOperand },
): void {
  const emitGroup = rows.bits === 7 ? emitGroupFromZero : emitGroupWithSign;
  k.loop(groups, () => {
    emitGroup(k, rows, y, (vector) =>
      k.load(k.at(x, OPERAND_BYTES[xDtype] * k.lanes * vector), xDtype === 'bf16' ? 'bf16' : 'raw'),
    );
    k.advance(x, OPERAND_BYTES[xDtype] * rows.groupSize);
    k.advance(y, rows.groupBytes);
  });
}

/** One group at `y`. @param load vector `vector` of it, into a register of its own; may be called twice for each */
function emitGroupWithSign(
  k: KernelBuilder,
  { groupSize, bits, most, valueBytes, elementBytes }: QuantizedRows,
  y: IntReg,
  load: (vector: number) => VecReg,
): void {
  const vectors = groupSize / k.lanes;
  const keeps = vectors <= k.capabilities.vecRegisters / 4 && !k.capabilities.registersAreVirtual;
  const magnitude = k.vecBits(0x7fffffff);
  const largest = k.vecConst(LEAST_MAGNITUDE);
  const poison = k.vecConst(0); // NaN as soon as a value is not finite
  const zero = k.vecConst(0);
  const kept = Array.from({ length: vectors }, (_, vector) => {
    const value = load(vector);
    k.fma(poison, value, zero);
    k.max(k.vecOp('and', value, magnitude), largest, largest);
    return value;
  });
  k.reduce('max', largest, largest);
  const high = k.vecConst(most);
  const low = k.vecConst(-most);
  const inverse = k.div(high, largest);
  const sum = k.vecBits(0); // below 2²³: exact in f32 too
  for (let vector = 0; vector < vectors; vector++) {
    const q = k.mul(keeps ? kept[vector]! : load(vector), inverse);
    k.min(k.max(q, low, q), high, q); // NaN becomes the bound
    k.unary('toI32', q, q);
    k.store(k.at(y, vector * k.lanes * elementBytes), q, bits === 8 ? 'low8' : 'low16');
    k.vecOp('addI32', sum, q, sum);
  }
  k.add(k.unary('fromI32', sum, sum), poison, sum);
  k.reduce('add', sum, sum);
  const scale = k.mul(largest, k.vecConst(1 / most), largest);
  k.fma(scale, sum, zero);
  k.storeLow(k.at(y, valueBytes), scale, 1);
  k.storeLow(k.at(y, valueBytes + 4), k.mul(sum, scale, sum), 1);
}

/**
 * The same in 7 bits: q = u − zero. Two roundings of parts of `most` steps are at most one step above their sum, so that u
 * stays below 128.
 */
function emitGroupFromZero(
  k: KernelBuilder,
  { groupSize, most, valueBytes }: QuantizedRows,
  y: IntReg,
  load: (vector: number) => VecReg,
): void {
  const vectors = groupSize / k.lanes;
  const sign = k.vecBits(0x80000000);
  const zero = k.vecConst(0);
  const [high, low] = [k.vecConst(0), k.vecConst(0)]; // the largest, and the largest of what is negated
  const poison = k.vecConst(0); // NaN as soon as a value is not finite
  for (let vector = 0; vector < vectors; vector++) {
    const value = load(vector);
    k.fma(poison, value, zero);
    k.max(value, high, high);
    k.max(k.vecOp('xor', value, sign, value), low, low);
  }
  k.reduce('max', high, high);
  k.reduce('max', low, low);
  const range = k.max(k.add(high, low, high), k.vecConst(LEAST_MAGNITUDE), high);
  const inverse = k.div(k.vecConst(most), range);
  k.max(k.mul(low, inverse, low), zero, low); // NaN becomes zero
  const zeroPoint = k.unary('toI32', low, low);
  const sum = k.vecConst(0);
  const bits = k.vecBits(0x7f); // whatever becomes of NaN is no operand that a machine may decide about
  const [top, bottom] = [k.vecConst(most), k.vecConst(-most)];
  for (let vector = 0; vector < vectors; vector++) {
    const u = k.mul(load(vector), inverse);
    k.min(k.max(u, bottom, u), top, u);
    k.vecOp('addI32', k.unary('toI32', u, u), zeroPoint, u);
    k.vecOp('and', u, bits, u);
    k.store(k.at(y, vector * k.lanes), u, 'low8');
    k.add(sum, k.unary('fromI32', u, u), sum);
  }
  k.reduce('add', sum, sum);
  const scale = k.mul(range, k.vecConst(1 / most), range);
  k.add(scale, k.reduce('add', poison, poison), scale);
  k.storeLow(k.at(y, valueBytes), scale, 1);
  const negated = k.vecOp('xor', k.unary('fromI32', zeroPoint, zeroPoint), sign, zeroPoint);
  k.storeLow(k.at(y, valueBytes + 12), negated, 1);
  const weighted = k.mul(sum, k.vecConst(128));
  k.storeLow(k.at(y, valueBytes + 8), k.unary('toI32', weighted, weighted), 1);
  k.fma(sum, negated, k.vecConst(groupSize));
  k.storeLow(k.at(y, valueBytes + 4), k.mul(sum, scale, sum), 1);
}

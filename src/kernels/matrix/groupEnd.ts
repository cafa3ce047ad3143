import type { KernelBuilder } from '../../jit/builder.js';
import type { Address, VecReg } from '../../jit/ir.js';
import { type BlockPass, columnOffset, sumPlace } from './blockPass.js';
import { BLOCK_COLUMNS, SUM_BYTES } from './formats/affineBlocks.js';

/** Where a group ends, and what it came to. */
interface GroupSums {
  readonly firstRow: number;
  /** i32 sums: [rows][registers]. */
  readonly accumulators: readonly (readonly VecReg[])[];
  /** What they are added to: [all rows][vectors], of one turn of several; null: C. */
  readonly sums: readonly VecReg[] | null;
}

/**
 * sums += scale·(aScale·accumulator) + bias·aSum, for some rows; scales are read behind the group's values. Where the
 * registers hold what all columns have there, each row's two numbers are loaded once.
 */
export function endGroup(k: KernelBuilder, pass: BlockPass, group: GroupSums): void {
  const { policy, shape } = pass;
  const { accumulators, sums } = group;
  const vectors = Array.from({ length: shape.columns / k.lanes }, (_, vector) => vector);
  const folded = accumulators.map((row) => policy.fold(k, row));
  const ofColumns = 2 * vectors.length;
  const held = sums === null ? vectors.length : shape.turns * sums.length;
  const taken = accumulators.flat().length + held + ofColumns + OF_ROW;
  const atOnce = taken <= k.capabilities.vecRegisters ? [vectors] : vectors.map((vector) => [vector]);
  for (const some of atOnce) {
    for (const vector of some) toFloats(k, pass, group, folded, vector);
    const columns = some.map((vector) => loadColumnTail(k, pass, vector));
    folded.forEach((row, r) => {
      endRow(k, pass, group, r, row, columns);
    });
  }
}

/** Registers for numbers of a row, and what operations take besides. */
const OF_ROW = 3;

/** What centred values are less than q. */
const CENTRE = 128;

/** What a vector of columns has behind a group. */
interface ColumnTail {
  readonly vector: number;
  readonly scale: VecReg;
  readonly bias: VecReg;
}

function loadColumnTail(k: KernelBuilder, pass: BlockPass, vector: number): ColumnTail {
  const { b, weight, column } = pass;
  const { scaleBytes } = weight;
  const type = weight.scales === 'f32' ? 'raw' : weight.scales;
  const offset = columnOffset(pass, column + vector * k.lanes, scaleBytes);
  const scale = k.load(k.at(b, offset), type);
  const bias = k.load(k.at(b, offset + BLOCK_COLUMNS * scaleBytes), type);
  if (weight.centring === 'values') k.fma(bias, scale, k.vecConst(CENTRE)); // as scale·q = scale·(q − 128) + 128·scale
  return { vector, scale, bias };
}

/** A vector of every row in f32, in place; where the groups of columns have sums, with what makes Σ q·qa of it. */
function toFloats(
  k: KernelBuilder,
  pass: BlockPass,
  { firstRow }: GroupSums,
  folded: readonly (readonly VecReg[])[],
  vector: number,
): void {
  const { a, policy, weight } = pass;
  const groupSums = weight.hasSums ? loadGroupSums(k, pass, vector) : null;
  folded.forEach((row, r) => {
    const value = k.unary('fromI32', row[vector]!, row[vector]!);
    if (groupSums !== null) policy.correct?.(k, value, groupSums, a.at(firstRow + r, 0));
  });
}

/** Σq of a vector of columns, from behind the group's values. */
function loadGroupSums(k: KernelBuilder, pass: BlockPass, vector: number): VecReg {
  const { b, weight, column } = pass;
  const offset = columnOffset(pass, column + vector * k.lanes, SUM_BYTES);
  const sums = k.load(k.at(b, offset + weight.sumOffset - weight.valueBytes), 'bf16');
  k.shift('right', sums, 16, sums); // what is loaded as the upper half of an f32 is an integer
  return k.unary('fromI32', sums, sums);
}

/** The group's end for row `r` of those at hand, of some vectors of columns; `folded` is overwritten. */
function endRow(
  k: KernelBuilder,
  pass: BlockPass,
  { firstRow, sums }: GroupSums,
  r: number,
  folded: readonly VecReg[],
  columns: readonly ColumnTail[],
): void {
  const { a, shape } = pass;
  const row = firstRow + r;
  const ofVectors = columns.map(({ vector, ...column }) => {
    const value = folded[vector]!;
    const sum = sums?.[row * (shape.columns / k.lanes) + vector] ?? k.load(sumPlace(k, pass, row, vector));
    return { ...column, vector, value, sum };
  });
  addScaled(k, ofVectors, a.at(row, 0));
  if (sums !== null) return;
  for (const { vector, sum } of ofVectors) k.store(sumPlace(k, pass, row, vector), sum);
}

/** Bytes before a group's scale that are sure to be of the same row. */
const BEFORE_TAIL_BYTES = 8;

/** sum += scale·(aScale·value) + bias·aSum of each vector; `value` is overwritten. */
function addScaled(
  k: KernelBuilder,
  vectors: readonly Readonly<Record<'sum' | 'value' | 'scale' | 'bias', VecReg>>[],
  tail: Address,
): void {
  if (k.capabilities.elementProducts) {
    // A vector that ends with the row's two numbers.
    const ofRow = k.load({ ...tail, offset: tail.offset - BEFORE_TAIL_BYTES });
    for (const { sum, value, scale, bias } of vectors) {
      k.elementProduct('fma', sum, k.mul(value, scale, value), ofRow, k.lanes - 2);
      k.elementProduct('fma', sum, bias, ofRow, k.lanes - 1);
    }
    return;
  }
  const rowSum = { ...tail, offset: tail.offset + 4 };
  if (k.capabilities.elementSources) {
    for (const { sum, value, scale, bias } of vectors) {
      k.fma(sum, k.mul(value, k.element(tail), value), scale);
      k.fma(sum, bias, k.element(rowSum));
    }
    return;
  }
  const ofRow = k.broadcast(tail);
  for (const { sum, value, scale } of vectors) k.fma(sum, k.mul(value, ofRow, value), scale);
  k.broadcast(rowSum, ofRow);
  for (const { sum, bias } of vectors) k.fma(sum, bias, ofRow);
}

import { QwenAsrError } from '../../error.js';
import type { KernelBuilder } from '../../jit/builder.js';
import type { Address, IntOperand, IntReg, VecReg } from '../../jit/ir.js';
import { type PassShape, passShape } from './blockRegisters.js';
import {
  AffineBlocks,
  BLOCK_COLUMNS,
  type BlockPolicy,
  blockPolicy,
  COLUMN_ALIGNMENT,
  QuantizedRows,
  STEP_BYTES,
  STEP_DEPTH,
  SUM_BYTES,
} from './formats/affineBlocks.js';

/** A product of quantised rows with packed blocks of columns. */
export interface BlockProductSpec {
  readonly weight: AffineBlocks;
  readonly activations: QuantizedRows;
  /** Elements of K; a multiple of the group size. */
  readonly depth: number;
  readonly rows: number;
  /** Distance between rows of C [rows, columns] f32. */
  readonly cStrideBytes: number;
  /** The weights are met once, and come from memory. */
  readonly isStream: boolean;
}

/** Where the operands lie; `b` and `c` are moved. */
interface BlockOperands {
  /** The first row. */
  readonly a: IntReg;
  /** The first block. */
  readonly b: IntReg;
  readonly c: IntReg;
  /** How often 32 columns are computed. */
  readonly pairs: IntOperand;
}

/**
 * C[r, n] = Σ_groups scale[n]·aScale[r]·Σ q·qa + bias[n]·aSum[r]: sums of integers within a group are exact.
 *
 * Error: at most (2·groups + 6)·2⁻²⁴·Σ_groups (|scale·aScale·Σ q·qa| + |bias·aSum|).
 */
function emitBlockProduct(k: KernelBuilder, spec: BlockProductSpec, operands: BlockOperands): void {
  const { weight, activations, depth } = spec;
  const policy = blockPolicy(k.capabilities, weight, activations);
  const shape = passShape(k.capabilities, policy, spec);
  const blocks = Math.max(1, shape.columns / BLOCK_COLUMNS);
  const { b, c, pairs } = operands;
  const count = blocks === 2 ? pairs : typeof pairs === 'number' ? 2 * pairs : k.intOp('shiftLeft', pairs, 1);
  k.loop(count, () => {
    for (let column = 0; column < BLOCK_COLUMNS * blocks; column += shape.columns) {
      emitPass(k, { ...spec, ...operands, policy, shape, column });
    }
    k.advance(b, blocks * weight.blockBytes(depth));
    k.advance(c, 4 * BLOCK_COLUMNS * blocks);
  });
}

/** Everything about some columns of all rows. */
interface Pass extends BlockProductSpec, Omit<BlockOperands, 'pairs'> {
  readonly policy: BlockPolicy;
  readonly shape: PassShape;
  /** The first column, counted from where `b` and `c` point. */
  readonly column: number;
}

function emitPass(k: KernelBuilder, pass: Pass): void {
  const { weight, activations, depth, rows, shape, b } = pass;
  const vectors = shape.columns / k.lanes;
  const groups = depth / weight.groupSize;
  const sums = shape.keepsSums
    ? Array.from({ length: rows * vectors }, () => k.vecConst(0))
    : clearSums(k, pass, rows * vectors);
  const aOffset = k.intConst(0);
  k.loop(groups, () => {
    for (let row = 0; row < rows; row += shape.rowsAtOnce) {
      const count = Math.min(shape.rowsAtOnce, rows - row);
      const accumulators = multiplyGroup(k, pass, aOffset, row, count);
      endGroup(k, pass, aOffset, row, accumulators, sums);
      if (row + count < rows) {
        k.advance(b, -weight.valueBytes);
        k.advance(aOffset, -activations.valueBytes);
      }
    }
    k.advance(b, weight.groupBytes - weight.valueBytes);
    k.advance(aOffset, activations.groupBytes - activations.valueBytes);
  });
  k.advance(b, -groups * weight.groupBytes);
  sums?.forEach((sum, i) => {
    k.store(sumPlace(k, pass, Math.floor(i / vectors), i % vectors), sum);
  });
}

function clearSums(k: KernelBuilder, pass: Pass, count: number): null {
  const vectors = pass.shape.columns / k.lanes;
  const zero = k.vecConst(0);
  for (let i = 0; i < count; i++) k.store(sumPlace(k, pass, Math.floor(i / vectors), i % vectors), zero);
  return null;
}

function sumPlace(k: KernelBuilder, { c, cStrideBytes, column }: Pass, row: number, vector: number): Address {
  return k.at(c, row * cStrideBytes + 4 * (column + vector * k.lanes));
}

/** Where a column's own part lies from the start of a step, or of the scales, of its block. */
function columnOffset({ weight, depth }: Pass, column: number, bytesPerColumn: number): number {
  const block = Math.floor(column / BLOCK_COLUMNS);
  return block * weight.blockBytes(depth) + (column % BLOCK_COLUMNS) * bytesPerColumn;
}

/** Steps that are written out; the others come round in a loop. An engine would load the operands of all of them first. */
const STEPS_IN_ROUND = 4;

/** i32 sums of some rows over a group: [rows][registers]; `b` and the offset are moved behind its values. */
function multiplyGroup(
  k: KernelBuilder,
  pass: Pass,
  aOffset: IntReg,
  firstRow: number,
  rows: number,
): VecReg[][] {
  const { a, weight, activations, depth, policy, shape, b } = pass;
  const { stepsAtOnce } = weight;
  const registers = shape.columns / policy.columns;
  const tailOf = (row: number): Address =>
    k.at(a, (firstRow + row) * activations.rowBytes(depth) + activations.valueBytes, aOffset);
  const first = Array.from({ length: rows }, (_, row) => policy.begin?.(k, tailOf(row)));
  const accumulators = Array.from({ length: rows * registers }, (_, i) => {
    const begin = first[Math.floor(i / registers)];
    return Array.from({ length: shape.unroll }, (_, u) =>
      u > 0 || begin === undefined ? k.vecConst(0) : k.vecMove(k.vec(), begin),
    );
  });
  const { registersAreVirtual } = k.capabilities;
  const steps = Math.max(registersAreVirtual ? 1 : STEPS_IN_ROUND, shape.unroll * stepsAtOnce);
  const nibble = policy.nibbleBits === undefined ? null : k.vecBits(policy.nibbleBits);
  k.loop(weight.groupSize / STEP_DEPTH / steps, () => {
    for (let step = 0; step < steps; step += shape.way.steps) {
      const round = { aOffset, firstRow, step, nibble };
      if (pass.isStream && firstRow === 0) prefetchSteps(k, pass, step);
      multiplySteps(k, pass, round, accumulators);
    }
    k.advance(aOffset, steps * policy.aStepBytes);
    k.advance(b, (steps / stepsAtOnce) * STEP_BYTES);
  });
  const sums = accumulators.map(([first, ...others]) =>
    others.reduce((sum, next) => k.vecOp('addI32', sum, next, sum), first!),
  );
  return Array.from({ length: rows }, (_, row) => sums.slice(row * registers, (row + 1) * registers));
}

function prefetchSteps(k: KernelBuilder, pass: Pass, first: number): void {
  const { weight, shape, b } = pass;
  if (pass.column % BLOCK_COLUMNS !== 0) return;
  for (let step = first; step < first + shape.way.steps; step += weight.stepsAtOnce) {
    for (let column = 0; column < shape.columns; column += BLOCK_COLUMNS) {
      k.prefetchStream(b, columnOffset(pass, column, 0) + (step / weight.stepsAtOnce) * STEP_BYTES);
    }
  }
}

/** Some steps of a group. */
interface Steps {
  readonly aOffset: IntReg;
  readonly firstRow: number;
  /** The first of them, counted from where the operands point. */
  readonly step: number;
  /** What weights of 4 bits are taken apart with. */
  readonly nibble: VecReg | null;
}

/** The steps that are multiplied at once: one side, rows or registers of columns, is held in registers. */
function multiplySteps(
  k: KernelBuilder,
  pass: Pass,
  { aOffset, firstRow, step: first, nibble }: Steps,
  accumulators: readonly (readonly VecReg[])[],
): void {
  const { a, b, policy, shape, activations, depth, weight, column } = pass;
  const { stepsAtOnce } = weight;
  const { aSteps } = policy;
  const registers = shape.columns / policy.columns;
  const rows = accumulators.length / registers;
  const rowBytes = activations.rowBytes(depth);
  const { steps, holdsRows } = shape.way;
  const loadA = (row: number, step: number): VecReg => {
    const whole = step - (step % aSteps);
    return policy.loadA(k, k.at(a, (firstRow + row) * rowBytes + whole * policy.aStepBytes, aOffset));
  };
  /** The steps of one load. */
  const loadRow = (row: number): readonly VecReg[] =>
    range(first, first + steps, aSteps).map((step) => loadA(row, step));
  const loadB = (register: number, step: number): readonly VecReg[] => {
    const offset = columnOffset(pass, column + register * policy.columns, STEP_DEPTH);
    return policy.loadB(k, k.at(b, offset + (step / stepsAtOnce) * STEP_BYTES), nibble);
  };
  const multiply = (row: number, register: number, step: number, x: VecReg, w: VecReg): void => {
    const accumulator = accumulators[row * registers + register]!;
    policy.product(k, accumulator[step % shape.unroll]!, x, w, step % aSteps);
  };
  if (holdsRows) {
    const left = range(0, rows).map(loadRow);
    for (const step of range(first, first + steps, stepsAtOnce)) {
      for (let register = 0; register < registers; register++) {
        loadB(register, step).forEach((w, at) => {
          left.forEach((x, row) => {
            multiply(row, register, step + at, x[Math.floor((step + at - first) / aSteps)]!, w);
          });
        });
      }
    }
    return;
  }
  const right = range(0, registers).map((register) =>
    range(first, first + steps, stepsAtOnce).flatMap((step) => loadB(register, step)),
  );
  // A load of several steps serves them all, others one.
  const stepsOfLoad = Math.min(steps, aSteps);
  for (const step of range(first, first + steps, stepsOfLoad)) {
    for (let row = 0; row < rows; row++) {
      const x = loadA(row, step);
      for (const at of range(step, step + stepsOfLoad)) {
        right.forEach((w, register) => {
          multiply(row, register, at, x, w[at - first]!);
        });
      }
    }
  }
}

/** Whole numbers from `from` to before `end`. */
function range(from: number, end: number, by = 1): number[] {
  return Array.from({ length: Math.ceil((end - from) / by) }, (_, i) => from + i * by);
}

/** sums += scale·(aScale·accumulator) + bias·aSum, for some rows; scales are read behind the group's values. */
function endGroup(
  k: KernelBuilder,
  pass: Pass,
  aOffset: IntReg,
  firstRow: number,
  accumulators: readonly (readonly VecReg[])[],
  sums: readonly VecReg[] | null,
): void {
  const { a, b, policy, shape, activations, depth, weight, column } = pass;
  const vectors = shape.columns / k.lanes;
  const folded = accumulators.map((row) => policy.fold(k, row));
  const { scaleBytes } = weight;
  const type = weight.scales === 'f32' ? 'raw' : weight.scales;
  for (let vector = 0; vector < vectors; vector++) {
    const offset = columnOffset(pass, column + vector * k.lanes, scaleBytes);
    const scale = k.load(k.at(b, offset), type);
    const bias = k.load(k.at(b, offset + BLOCK_COLUMNS * scaleBytes), type);
    const groupSums = weight.isCentred ? loadGroupSums(k, pass, vector) : null;
    folded.forEach((row, r) => {
      const value = k.unary('fromI32', row[vector]!, row[vector]!);
      const rowOffset = (firstRow + r) * activations.rowBytes(depth);
      const tail = k.at(a, rowOffset, aOffset);
      if (groupSums !== null) policy.correct?.(k, value, groupSums, tail);
      const place = sumPlace(k, pass, firstRow + r, vector);
      const sum = sums?.[(firstRow + r) * vectors + vector] ?? k.load(place);
      addScaled(k, sum, { value, scale, bias, tail });
      if (sums === null) k.store(place, sum);
    });
  }
}

/** Bytes before a group's scale that are sure to be of the same row. */
const BEFORE_TAIL_BYTES = 8;

/** sum += scale·(aScale·value) + bias·aSum; `value` is overwritten. */
function addScaled(
  k: KernelBuilder,
  sum: VecReg,
  { value, scale, bias, tail }: Record<'value' | 'scale' | 'bias', VecReg> & { readonly tail: Address },
): void {
  if (k.capabilities.elementProducts) {
    // A vector that ends with the row's two numbers.
    const ofRow = k.load({ ...tail, offset: tail.offset - BEFORE_TAIL_BYTES });
    k.elementProduct('fma', sum, k.mul(value, scale, value), ofRow, k.lanes - 2);
    k.elementProduct('fma', sum, bias, ofRow, k.lanes - 1);
    return;
  }
  const ofRow = k.broadcast(tail);
  k.fma(sum, k.mul(value, ofRow, value), scale);
  k.broadcast({ ...tail, offset: tail.offset + 4 }, ofRow);
  k.fma(sum, bias, ofRow);
}

/** Σq of a vector of columns, from behind the group's values. */
function loadGroupSums(k: KernelBuilder, pass: Pass, vector: number): VecReg {
  const { b, weight, column } = pass;
  const offset = columnOffset(pass, column + vector * k.lanes, SUM_BYTES);
  const sums = k.load(k.at(b, offset + weight.sumOffset - weight.valueBytes), 'bf16');
  k.shift('right', sums, 16, sums); // what is loaded as the upper half of an f32 is an integer
  return k.unary('fromI32', sums, sums);
}

/** What makes a kernel a product with blocks. */
interface BlockOperandTypes {
  readonly aDtype: QuantizedRows;
  readonly bDtype: AffineBlocks;
}

/** @throws QwenAsrError `internal` for operands of which only one is quantised */
export function isBlockProduct<Spec extends { readonly aDtype: unknown; readonly bDtype: unknown }>(
  spec: Spec,
): spec is Spec & BlockOperandTypes {
  const { aDtype, bDtype } = spec;
  const isQuantized = aDtype instanceof QuantizedRows;
  if (isQuantized === bDtype instanceof AffineBlocks) return isQuantized;
  throw new QwenAsrError('internal', 'a product: expected both operands quantised or none');
}

/** A kernel's columns: `columnsPerTile` of `n`, of which the last tile overlaps the one before. */
interface TileColumns {
  readonly bDtype: unknown;
  readonly n: number;
  readonly columnsPerTile: number;
}

/** Whether every tile starts and ends with a pair of blocks. */
function isAligned({ n, columnsPerTile }: TileColumns): boolean {
  return n % COLUMN_ALIGNMENT === 0 && columnsPerTile % COLUMN_ALIGNMENT === 0;
}

/** Distance between rows of C: of blocks all columns of those that the tile touches. */
export function productStrideBytes(spec: TileColumns): number {
  const { bDtype, columnsPerTile } = spec;
  if (!(bDtype instanceof AffineBlocks) || isAligned(spec)) return 4 * columnsPerTile;
  return 4 * COLUMN_ALIGNMENT * Math.ceil((columnsPerTile + COLUMN_ALIGNMENT - 1) / COLUMN_ALIGNMENT);
}

/**
 * C [rows, columnsPerTile] f32 from `column` on.
 *
 * @returns bytes before that column in a row of C; null: none
 */
export function emitBlockColumns(
  k: KernelBuilder,
  spec: BlockOperandTypes & TileColumns & Pick<BlockProductSpec, 'depth' | 'rows' | 'isStream'>,
  operands: {
    readonly a: IntReg;
    readonly weight: () => IntReg;
    readonly column: IntReg;
    readonly c: IntReg;
  },
): IntReg | null {
  const { aDtype: activations, bDtype: weight, depth, rows, isStream, columnsPerTile } = spec;
  const { a, c, column } = operands;
  const shape = { weight, activations, depth, rows, isStream, cStrideBytes: productStrideBytes(spec) };
  const b = k.intOp('shiftRight', column, Math.log2(COLUMN_ALIGNMENT));
  k.intOp('mul', b, 2 * weight.blockBytes(depth), b);
  k.advance(b, operands.weight());
  if (isAligned(spec)) {
    emitBlockProduct(k, shape, { a, b, c, pairs: columnsPerTile / COLUMN_ALIGNMENT });
    return null;
  }
  // The pair of blocks that the first column is in, to that of the last one.
  const shift = k.intOp('and', column, COLUMN_ALIGNMENT - 1);
  const pairs = k.intOp('add', shift, columnsPerTile + COLUMN_ALIGNMENT - 1);
  k.intOp('shiftRight', pairs, Math.log2(COLUMN_ALIGNMENT), pairs);
  emitBlockProduct(k, shape, { a, b, c, pairs });
  return k.intOp('shiftLeft', shift, 2, shift);
}

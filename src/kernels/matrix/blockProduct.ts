import type { KernelBuilder } from '../../jit/builder.js';
import type { Address, VecReg } from '../../jit/ir.js';
import {
  type BlockOperands,
  type BlockPass,
  type BlockProductSpec,
  columnOffset,
  sumPlace,
} from './blockPass.js';
import { passShape } from './blockRegisters.js';
import { BLOCK_COLUMNS, blockPolicy, STEP_BYTES, STEP_DEPTH } from './formats/affineBlocks.js';
import { endGroup } from './groupEnd.js';
import { loadsAhead } from './loadsAhead.js';

/**
 * C[r, n] = Σ_groups scale[n]·aScale[r]·Σ q·qa + bias[n]·aSum[r]: sums of integers within a group are exact.
 *
 * Error: at most (2·groups + 6)·2⁻²⁴·Σ_groups (|scale·aScale·Σ q·qa| + |bias·aSum|); where values are centred and groups have
 * no sums, with q − 128 for q and bias + 128·scale for the bias.
 */
export function emitBlockProduct(k: KernelBuilder, spec: BlockProductSpec, operands: BlockOperands): void {
  const { weight, activations, depth } = spec;
  const policy = blockPolicy(k.capabilities, weight, activations);
  const { b, c, pairs, weightsAhead } = operands;
  const shape = passShape(k.capabilities, policy, {
    ...spec,
    pairs: typeof pairs === 'number' ? pairs : null,
  });
  const blocks = shape.columns > BLOCK_COLUMNS ? 2 : 1;
  const { turns } = shape;
  const ahead = weightsAhead({ blocks, turns });
  const count =
    typeof pairs === 'number'
      ? (2 * pairs) / (blocks * turns)
      : blocks === 2
        ? pairs
        : k.intOp('shiftLeft', pairs, 1);
  const emitOnce = (): void => {
    for (let column = 0; column < BLOCK_COLUMNS * blocks; column += shape.columns) {
      // Of a block whose columns pass in parts, the first part fetches for all.
      const ofPass = column % BLOCK_COLUMNS === 0 ? ahead : null;
      emitPass(k, { ...spec, ...operands, policy, shape, column, turn: 0, ahead: ofPass });
    }
    k.advance(b, blocks * turns * weight.blockBytes(depth));
    k.advance(c, 4 * BLOCK_COLUMNS * blocks * turns);
  };
  // A loop takes a register for its counter, which rows that lie anywhere leave none for on x86-64.
  const mostUnrolled = spec.segments.count > 1 && k.capabilities.intRegisters < 16 ? 2 : 1;
  if (typeof count !== 'number' || count > mostUnrolled) k.loop(count, emitOnce);
  else for (let i = 0; i < count; i++) emitOnce();
}

/** The columns of a pass, those of its turns one after another over each group of K. */
function emitPass(k: KernelBuilder, pass: BlockPass): void {
  const { weight, activations, depth, segments, rows, shape, a, b } = pass;
  const vectors = shape.columns / k.lanes;
  const groups = depth / weight.groupSize;
  const toNext = segments.strideBytes - (groups / segments.count) * activations.groupBytes;
  const passes = range(0, shape.turns).map((turn) => {
    const ofTurn = { ...pass, column: pass.column + turn * shape.columns, turn };
    return { ofTurn, sums: beginSums(k, ofTurn, rows * vectors) };
  });
  pass.ahead?.beginPass();
  for (let segment = 0; segment < segments.count; segment++) {
    k.loop(groups / segments.count, () => {
      pass.ahead?.beginGroup();
      passes.forEach(({ ofTurn, sums }, turn) => {
        if (turn > 0) returnToGroup(k, pass);
        for (let row = 0; row < rows; row += shape.rowsAtOnce) {
          if (row > 0) returnToGroup(k, pass);
          const count = Math.min(shape.rowsAtOnce, rows - row);
          const accumulators = multiplyGroup(k, ofTurn, row, count);
          endGroup(k, ofTurn, { firstRow: row, accumulators, sums });
        }
        pass.ahead?.endGroup(turn);
      });
      k.advance(b, weight.groupBytes - weight.valueBytes);
      a.advance(activations.groupBytes - activations.valueBytes);
    });
    if (segment < segments.count - 1) a.advance(toNext);
  }
  a.advance(-groups * activations.groupBytes - (segments.count - 1) * toNext);
  k.advance(b, -groups * weight.groupBytes);
  for (const { ofTurn, sums } of passes) {
    sums?.forEach((sum, i) => {
      k.store(sumPlace(k, ofTurn, Math.floor(i / vectors), i % vectors), sum);
    });
  }
}

/** From behind a group's values to their start. */
function returnToGroup(k: KernelBuilder, { a, b, weight, activations }: BlockPass): void {
  k.advance(b, -weight.valueBytes);
  a.advance(-activations.valueBytes);
}

/** Zeros, in registers or, where these are too few, in C: null. */
function beginSums(k: KernelBuilder, pass: BlockPass, count: number): VecReg[] | null {
  if (pass.shape.keepsSums) return Array.from({ length: count }, () => k.vecConst(0));
  const vectors = pass.shape.columns / k.lanes;
  const zero = k.vecConst(0);
  for (let i = 0; i < count; i++) k.store(sumPlace(k, pass, Math.floor(i / vectors), i % vectors), zero);
  return null;
}

/** Steps that are written out; the others come round in a loop. An engine would load the operands of all of them first. */
const STEPS_IN_ROUND = 4;

/** i32 sums of some rows over a group: [rows][registers]; `a` and `b` are moved behind its values. */
function multiplyGroup(k: KernelBuilder, pass: BlockPass, firstRow: number, rows: number): VecReg[][] {
  const { a, weight, activations, policy, shape, b } = pass;
  const { stepsAtOnce } = weight;
  const ahead = firstRow === 0 ? pass.ahead : null;
  const registers = shape.columns / policy.columns;
  const tailOf = (row: number): Address => a.at(firstRow + row, activations.valueBytes);
  const accumulators = range(0, rows).flatMap((row) => {
    const begin = policy.begin?.(k, tailOf(row)) ?? k.vecConst(0);
    return range(0, registers).map((register) => {
      const first = register === 0 ? begin : k.vecMove(k.vec(), begin);
      return [first, ...range(1, shape.unroll).map(() => k.vecConst(0))];
    });
  });
  const { registersAreVirtual } = k.capabilities;
  const steps = Math.max(registersAreVirtual ? 1 : STEPS_IN_ROUND, shape.unroll * stepsAtOnce);
  const nibble = policy.nibbleBits === undefined ? null : k.vecBits(policy.nibbleBits);
  k.loop(weight.groupSize / STEP_DEPTH / steps, () => {
    for (let step = 0; step < steps; step += shape.way.steps) {
      const round = { firstRow, step, nibble };
      for (let at = step; at < step + shape.way.steps; at += stepsAtOnce) {
        ahead?.fetch((at / stepsAtOnce) * STEP_BYTES, pass.turn);
      }
      multiplySteps(k, pass, round, accumulators);
    }
    a.advance(steps * policy.aStepBytes);
    k.advance(b, (steps / stepsAtOnce) * STEP_BYTES);
  });
  const sums = accumulators.map(([first, ...others]) =>
    others.reduce((sum, next) => k.vecOp('addI32', sum, next, sum), first!),
  );
  return Array.from({ length: rows }, (_, row) => sums.slice(row * registers, (row + 1) * registers));
}

/** Some steps of a group. */
interface Steps {
  readonly firstRow: number;
  /** The first of them, counted from where the operands point. */
  readonly step: number;
  /** What weights of 4 bits are taken apart with. */
  readonly nibble: VecReg | null;
}

/** The steps that are multiplied at once: one side, rows or registers of columns, is held in registers. */
function multiplySteps(
  k: KernelBuilder,
  pass: BlockPass,
  { firstRow, step: first, nibble }: Steps,
  accumulators: readonly (readonly VecReg[])[],
): void {
  const { a, b, policy, shape, weight, column } = pass;
  const { stepsAtOnce } = weight;
  const { aSteps } = policy;
  const registers = shape.columns / policy.columns;
  const rows = accumulators.length / registers;
  const { steps, holdsRows, ahead } = shape.way;
  const loadA = (row: number, step: number): VecReg => {
    const whole = step - (step % aSteps);
    return policy.loadA(k, a.at(firstRow + row, whole * policy.aStepBytes));
  };
  /** The steps of one load. */
  const loadRow = (row: number): readonly VecReg[] =>
    range(first, first + steps, aSteps).map((step) => loadA(row, step));
  const loadB = (register: number, step: number): readonly VecReg[] => {
    const offset = columnOffset(pass, column + register * policy.columns, STEP_DEPTH);
    return policy.loadB(k, k.at(b, offset + (step / stepsAtOnce) * STEP_BYTES), nibble);
  };
  /** @param x null: of a row that is read where it lies */
  const multiply = (row: number, register: number, step: number, x: VecReg | null, w: VecReg): void => {
    const accumulator = accumulators[row * registers + register]![step % shape.unroll]!;
    if (x !== null) policy.product(k, accumulator, x, w, step % aSteps);
    else policy.productFromMemory?.(k, accumulator, a.at(firstRow + row, step * policy.aStepBytes), w);
  };
  const inMemory = (row: number): boolean =>
    policy.productFromMemory !== undefined && row % registers === registers - 1;
  if (holdsRows) {
    const left = range(0, rows).map(loadRow);
    const places = range(first, first + steps, stepsAtOnce).flatMap((step) =>
      range(0, registers).map((register) => ({ step, register })),
    );
    const right = loadsAhead(places, ahead, ({ step, register }) => loadB(register, step));
    places.forEach(({ step, register }, i) => {
      right(i).forEach((w, at) => {
        left.forEach((x, row) => {
          multiply(row, register, step + at, x[Math.floor((step + at - first) / aSteps)]!, w);
        });
      });
    });
    return;
  }
  const right = range(0, registers).map((register) =>
    range(first, first + steps, stepsAtOnce).flatMap((step) => loadB(register, step)),
  );
  // A load of several steps serves them all, others one.
  const stepsOfLoad = Math.min(steps, aSteps);
  // Rows in twos, so that a sum's next product comes later.
  const rowsAtOnce = stepsOfLoad > 1 ? 2 : 1;
  for (const step of range(first, first + steps, stepsOfLoad)) {
    const left = loadsAhead(range(0, rows), ahead, (row) => (inMemory(row) ? null : loadA(row, step)));
    for (const row of range(0, rows, rowsAtOnce)) {
      for (const at of range(step, step + stepsOfLoad)) {
        for (const m of range(row, Math.min(row + rowsAtOnce, rows))) {
          right.forEach((w, register) => {
            multiply(m, register, at, left(m), w[at - first]!);
          });
        }
      }
    }
  }
}

/** Whole numbers from `from` to before `end`. */
function range(from: number, end: number, by = 1): number[] {
  return Array.from({ length: Math.ceil((end - from) / by) }, (_, i) => from + i * by);
}

import { QwenAsrError } from '../../error.js';
import { argmaxReduce, argmaxStream, PARTIAL_BYTES } from '../../kernels/argmax.js';
import type { EpilogueSpec } from '../../kernels/epilogue.js';
import { matmul } from '../../kernels/matmul.js';
import { type MATMUL_SLOTS, UNUSED_MATMUL_SLOTS } from '../../kernels/matmulSlots.js';
import { matvec } from '../../kernels/matvec.js';
import { maxStreamRows } from '../../kernels/streamDot.js';
import { matmulTile, streamColumns } from '../../kernels/tileShapes.js';
import type { Operators } from '../operators.js';
import { checkColumnCount, checkInPlaceShape, checkSameElement } from './checkShapes.js';
import { tensorOf, weightOf } from './compiledHandles.js';
import type { CompiledTensor } from './compiledTensor.js';
import { ELEMENT_BYTES } from './compiledTensor.js';
import type { CompiledWeight } from './compiledWeight.js';
import type { SlotValues, TapeRecorder } from './tapeRecorder.js';

type Args<Name extends keyof Operators> = Parameters<Operators[Name]>[0];

/** y = act(x·weightᵀ + bias) + residual. */
export function recordLinear(tape: TapeRecorder, args: Args<'linear'>): void {
  const x = tensorOf(args.x);
  const y = tensorOf(args.y);
  const weight = weightOf(args.weight, 'matrix');
  const bias = args.bias === undefined ? null : weightOf(args.bias, 'vector');
  const residual = args.residual === undefined ? null : tensorOf(args.residual);
  if (residual?.address === y.address) checkInPlaceShape(args.weight.name, args.weight.shape);
  const epilogue: EpilogueSpec = {
    bias: bias !== null,
    activation: args.activation ?? 'none',
    residual: residual !== null,
    yDtype: y.element === 'bf16' ? 'bf16' : 'f32',
    yStrideBytes: y.rowBytes,
    residualStrideBytes: residual?.rowBytes ?? 0,
  };
  const slots = {
    ...productSlots(x, [weight], y.address),
    bias: bias?.address ?? 0,
    residual: residual?.address ?? 0,
  };
  tape.operator(x.scope);
  recordProduct(tape, x, weight, epilogue, slots);
}

/** y = silu(x·gateᵀ) ⊙ (x·upᵀ). */
export function recordSwiglu(tape: TapeRecorder, args: Args<'swiglu'>): void {
  const x = tensorOf(args.x);
  const y = tensorOf(args.y);
  const epilogue: EpilogueSpec = {
    bias: false,
    activation: 'swiglu',
    residual: false,
    yDtype: y.element === 'bf16' ? 'bf16' : 'f32',
    yStrideBytes: y.rowBytes,
    residualStrideBytes: 0,
  };
  const weights = [weightOf(args.gate, 'matrix'), weightOf(args.up, 'matrix')] as const;
  checkSameElement(weights);
  tape.operator(x.scope);
  recordProduct(tape, x, weights[0], epilogue, productSlots(x, weights, y.address));
}

/** Few rows stream the weights past, many rows multiply in tiles. */
function recordProduct(
  tape: TapeRecorder,
  x: CompiledTensor,
  weight: CompiledWeight,
  epilogue: EpilogueSpec,
  slots: SlotValues<keyof typeof MATMUL_SLOTS>,
): void {
  const [n, depth] = weight.shape as [number, number];
  const m = x.rowCount;
  const common = {
    aDtype: operandType(x),
    bDtype: weight.element,
    n,
    aStrideBytes: x.rowBytes,
    bStrideBytes: depth * ELEMENT_BYTES[weight.element],
    epilogue,
  };
  const weights = epilogue.activation === 'swiglu' ? 2 : 1;
  if (m <= maxStreamRows(tape.capabilities)) {
    const columnsPerTile = streamColumns(n, weights * common.bStrideBytes, tape.threadCount);
    const kernel = matvec({ ...common, rows: m, depth, columnsPerTile });
    return tape.call(kernel, slots, Math.ceil(n / columnsPerTile));
  }
  const { rowsPerTile, columnsPerTile } = matmulTile(m, n, weights, tape.threadCount);
  const mTiles = Math.ceil(m / rowsPerTile);
  const kernel = matmul({
    ...common,
    segments: 1,
    segmentDepth: depth,
    aSegmentStrideBytes: 0,
    indirect: false,
    columnsPerTile,
  });
  tape.call(kernel, { ...slots, mTiles, rowsPerTile }, mTiles * Math.ceil(n / columnsPerTile));
}

/** Greedy choice over x·weightᵀ, a few rows at a time. */
export function recordArgmaxLinear(tape: TapeRecorder, args: Args<'argmaxLinear'>): void {
  const x = tensorOf(args.x);
  const weight = weightOf(args.weight, 'matrix');
  checkColumnCount(weight.name, weight.shape);
  const [n, depth] = weight.shape as [number, number];
  const bStrideBytes = depth * ELEMENT_BYTES[weight.element];
  const columnsPerTile = streamColumns(n, bStrideBytes, tape.threadCount);
  const tiles = Math.ceil(n / columnsPerTile);
  const rowsAtOnce = maxStreamRows(tape.capabilities);
  tape.operator(x.scope);
  for (let row = 0; row < x.rowCount; row += rowsAtOnce) {
    const rows = Math.min(rowsAtOnce, x.rowCount - row);
    const part = tensorOf(x.rows(row, row + rows));
    const partials = tape.buffer(tiles * rows * PARTIAL_BYTES);
    const stream = argmaxStream({
      aDtype: operandType(x),
      bDtype: weight.element,
      rows,
      n,
      depth,
      aStrideBytes: x.rowBytes,
      bStrideBytes,
      columnsPerTile,
    });
    tape.call(stream, productSlots(part, [weight], partials.address), tiles);
    const slots = {
      partials: partials.address,
      tiles,
      ids: tensorOf(args.ids).address + 4 * row,
      best: tensorOf(args.best).address + 4 * row,
      logSumExp: tensorOf(args.logSumExp).address + 4 * row,
    };
    tape.call(argmaxReduce({ rows }), slots, 1);
  }
}

function productSlots(
  x: CompiledTensor,
  weights: readonly CompiledWeight[],
  y: number,
): SlotValues<keyof typeof MATMUL_SLOTS> {
  return {
    ...UNUSED_MATMUL_SLOTS,
    x: x.address,
    weight: weights[0]!.address,
    weight2: weights[1]?.address ?? 0,
    y,
    m: x.rowCount,
  };
}

function operandType(x: CompiledTensor): 'f32' | 'bf16' {
  if (x.element === 'i32') throw new QwenAsrError('internal', `${x.label}: expected an operand, found i32`);
  return x.element;
}

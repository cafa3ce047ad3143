import { QwenAsrError } from '../../error.js';
import { argmaxReduce, argmaxStream, PARTIAL_BYTES } from '../../kernels/matrix/argmax.js';
import type { EpilogueSpec } from '../../kernels/matrix/epilogue.js';
import { matmul } from '../../kernels/matrix/matmul.js';
import { matvec, maxStreamRows } from '../../kernels/matrix/matvec.js';
import { matmulTile, streamColumns } from '../../kernels/matrix/tileShapes.js';
import type { Operators, Tensor } from '../operators.js';
import { checkColumnCount, checkInPlaceShape, checkSameElement } from './checkShapes.js';
import { type CompiledTensor, ELEMENT_BYTES, tensorOf, weightOf } from './compiledTensor.js';
import type { CompiledWeight } from './compiledWeight.js';
import type { TapeRecorder } from './tapeRecorder.js';

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
  tape.useScope(x.scope);
  recordProduct(tape, epilogue, { x, weight, weight2: null, y, bias, residual });
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
  tape.useScope(x.scope);
  const [weight, weight2] = weights;
  recordProduct(tape, epilogue, { x, weight, weight2, y, bias: null, residual: null });
}

interface ProductOperands {
  readonly x: CompiledTensor;
  readonly weight: CompiledWeight;
  readonly weight2: CompiledWeight | null;
  readonly y: CompiledTensor;
  readonly bias: CompiledWeight | null;
  readonly residual: CompiledTensor | null;
}

/** Few rows stream the weights past, many rows multiply in tiles. */
function recordProduct(tape: TapeRecorder, epilogue: EpilogueSpec, operands: ProductOperands): void {
  const { x, weight, weight2 } = operands;
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
  const weights = weight2 === null ? 1 : 2;
  if (m <= maxStreamRows(tape.capabilities)) {
    const columnsPerTile = streamColumns(n, weights * common.bStrideBytes, tape.threadCount);
    tape.run(matvec({ ...common, rows: m, depth, columnsPerTile }).call(operands));
    return;
  }
  const { rowsPerTile, columnsPerTile } = matmulTile(m, n, weights, tape.threadCount);
  const kernel = matmul({
    ...common,
    segments: 1,
    segmentDepth: depth,
    aSegmentStrideBytes: 0,
    indirect: false,
    columnsPerTile,
  });
  tape.run(kernel.call({ ...operands, table: null, m, rowsPerTile }));
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
  tape.useScope(x.scope);
  for (let row = 0; row < x.rowCount; row += rowsAtOnce) {
    const rows = Math.min(rowsAtOnce, x.rowCount - row);
    const part = (tensor: Tensor): CompiledTensor => tensorOf(tensor.rows(row, row + rows));
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
    tape.run(stream.call({ x: part(x), weight, partials }));
    const outputs = { ids: part(args.ids), best: part(args.best), logSumExp: part(args.logSumExp) };
    tape.run(argmaxReduce({ rows }).call({ partials, tiles, ...outputs }));
  }
}

function operandType(x: CompiledTensor): 'f32' | 'bf16' {
  if (x.element === 'i32') throw new QwenAsrError('internal', `${x.label}: expected an operand, found i32`);
  return x.element;
}

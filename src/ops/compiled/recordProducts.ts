import { QwenAsrError } from '../../error.js';
import type { Capabilities } from '../../jit/ir.js';
import type { Memory } from '../../kernels/kernel.js';
import { usesAffineTiles } from '../../kernels/matrix/affineTiles.js';
import { argmaxReduce, argmaxStream, PARTIAL_BYTES } from '../../kernels/matrix/argmax.js';
import type { EpilogueSpec } from '../../kernels/matrix/epilogue.js';
import {
  AffineBlocks,
  BLOCK_COLUMNS,
  COLUMN_ALIGNMENT,
  rowsFor,
} from '../../kernels/matrix/formats/affineBlocks.js';
import { matmul } from '../../kernels/matrix/matmul.js';
import { type MatvecSpec, matvec, maxStreamRows } from '../../kernels/matrix/matvec.js';
import { type PackPairsSpec, packPairs, pairPanelsBytes } from '../../kernels/matrix/packPairs.js';
import { usesPanels, widensByPanels } from '../../kernels/matrix/panelProduct.js';
import { usesTiles } from '../../kernels/matrix/tileProduct.js';
import {
  affineTile,
  blockTile,
  COLUMN_STEP,
  matmulTile,
  ROW_STEP,
  streamColumns,
  tileProductTile,
  widenedTile,
} from '../../kernels/matrix/tileShapes.js';
import { quantizeActivations } from '../../kernels/rows/quantizeActivations.js';
import { type WidenRowsSpec, widenedStrideBytes, widenRows } from '../../kernels/rows/widenRows.js';
import type { OperandType, Operators, ProductType, Tensor } from '../operators.js';
import { checkColumnCount, checkInPlaceShape, checkSameElement } from './checkShapes.js';
import { type CompiledTensor, ELEMENT_BYTES, tensorOf, weightOf } from './compiledTensor.js';
import type { CompiledWeight } from './compiledWeight.js';
import type { TapeRecorder } from './tapeRecorder.js';

type Args<Name extends keyof Operators> = Parameters<Operators[Name]>[0];

/** Rows of a tile of quantisation, or of widening: a few microseconds of work. */
const DERIVED_ROWS = 4;

/** y = act(x·weightᵀ + bias) + residual. */
export function recordLinear(tape: TapeRecorder, args: Args<'linear'>): void {
  const x = tensorOf(args.x);
  const y = tensorOf(args.y);
  const weight = weightOf(args.weight, 'matrix');
  const bias = args.bias === undefined ? null : weightOf(args.bias, 'vector');
  const residual = args.residual === undefined ? null : tensorOf(args.residual);
  if (residual?.address === y.address) checkInPlaceShape(weight);
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

/** More rows than any step has. */
const MANY_ROWS = 128;

/** What products of many rows multiply with a weight. */
export function manyRows(
  { element, layout, shape }: CompiledWeight,
  capabilities: Capabilities,
  operand: OperandType,
): ProductType {
  if (!(element instanceof AffineBlocks)) return operand;
  const [n = 0, depth = 0] = shape;
  const product = { m: MANY_ROWS, n, depth, weights: 1 };
  return layout === 'matrix' && usesAffineTiles(capabilities, operand, element, product) ? operand : 'int8';
}

/** Few rows stream the weights past, many rows multiply in tiles. */
function recordProduct(tape: TapeRecorder, epilogue: EpilogueSpec, operands: ProductOperands): void {
  const { weight, weight2 } = operands;
  const [n, depth] = weight.shape as [number, number];
  const m = operands.x.rowCount;
  const weights = weight2 === null ? 1 : 2;
  const factors = factorsOf(tape, operands.x, weight, weights);
  const { x, mostStreamRows, columnStep, columnBytes } = factors;
  const common = { ...factors.spec, n, epilogue };
  const memory = { ...operands, x };
  if (m <= mostStreamRows) {
    const columnsPerTile = streamColumns(n, weights * columnBytes, tape.threadCount, columnStep);
    tape.run(matvec({ ...common, rows: m, depth, columnsPerTile }).call(memory));
    return;
  }
  const tiles = usesTiles(tape.capabilities, common.aDtype, common.bDtype);
  const widens = widensByPanels(tape.capabilities, common.aDtype, common.bDtype, m);
  const tileOf = widens ? widenedTile : matmulTile;
  const { rowsPerTile, columnsPerTile } =
    factors.tile?.(m, n, tape.threadCount) ??
    (tiles
      ? tileProductTile(m, n, common.bStrideBytes, tape.threadCount)
      : tileOf(m, n, weights, tape.threadCount));
  const widensRows = widens && !tiles && common.aDtype === 'bf16';
  const kernel = matmul({
    ...common,
    ...(widensRows && { aDtype: 'f32', aStrideBytes: widenedStrideBytes(depth) }),
    segments: 1,
    segmentDepth: depth,
    aSegmentStrideBytes: 0,
    indirect: false,
    columnsPerTile,
    panels: !tiles && usesPanels(tape.capabilities, common.aDtype, common.bDtype, m),
    ...(tiles && { tiles: 'rows' }),
  });
  const stored = { m, depth, strideBytes: common.aStrideBytes };
  const rows = tiles ? pairPanels(tape, x, stored) : widensRows ? widenedRows(tape, x, stored) : x;
  const given = { ...memory, x: rows, table: null, m, rowsPerTile, tilesAtOnce: tape.threadCount };
  tape.run(kernel.call(given));
}

/** Rows as products of tiles take them, packed once for all products of the same rows. */
export function pairPanels(
  tape: TapeRecorder,
  rows: Memory,
  { m, ...spec }: PackPairsSpec & { readonly m: number },
): Memory {
  return tape.derived(rows, 'pairPanels', pairPanelsBytes(m, spec.depth), (y) => {
    return packPairs(spec).call({ x: rows, y, m });
  });
}

/** Rows in bf16 as products that multiply in f32 take them, widened once for all products of the same rows. */
function widenedRows(
  tape: TapeRecorder,
  rows: Memory,
  { m, ...stored }: Omit<WidenRowsSpec, 'rowsPerTile'> & { readonly m: number },
): Memory {
  return tape.derived(rows, 'widenedRows', m * widenedStrideBytes(stored.depth), (y) => {
    return widenRows({ ...stored, rowsPerTile: DERIVED_ROWS }).call({ x: rows, y, m });
  });
}

/** Rows that one pass over packed weights serves: integers are multiplied faster than weights come from memory. */
const BLOCK_STREAM_ROWS = 16;

/** The two factors of a product as its kernel takes them. */
interface Factors {
  readonly x: Memory;
  readonly spec: Pick<MatvecSpec, 'aDtype' | 'bDtype' | 'aStrideBytes' | 'bStrideBytes' | 'tilesAhead'>;
  /** How a product of many rows with packed weights is cut; null: weights are no such ones. */
  readonly tile: typeof blockTile | null;
  readonly mostStreamRows: number;
  /** Tiles of a stream have a multiple of so many columns. */
  readonly columnStep: number;
  /** Bytes of weights that a column of the product takes. */
  readonly columnBytes: number;
}

/**
 * Packed weights take quantised rows, which products of the same rows share, or, where the target has tiles, many rows as they
 * are; others take rows as they are.
 */
function factorsOf(
  tape: TapeRecorder,
  x: CompiledTensor,
  { element, shape }: CompiledWeight,
  weights = 1,
): Factors {
  const [n, depth] = shape as [number, number];
  if (typeof element === 'string') {
    const columnBytes = depth * ELEMENT_BYTES[element];
    return {
      x,
      spec: { aDtype: operandType(x), bDtype: element, aStrideBytes: x.rowBytes, bStrideBytes: columnBytes },
      tile: null,
      mostStreamRows: maxStreamRows(tape.capabilities),
      columnStep: COLUMN_STEP,
      columnBytes,
    };
  }
  const m = x.rowCount;
  const bStrideBytes = element.blockBytes(depth);
  const ofBlocks = {
    mostStreamRows: BLOCK_STREAM_ROWS,
    columnStep: COLUMN_ALIGNMENT,
    columnBytes: bStrideBytes / BLOCK_COLUMNS,
  };
  const shapeOf = { m, n, depth, weights };
  if (m > BLOCK_STREAM_ROWS && usesAffineTiles(tape.capabilities, x.element, element, shapeOf)) {
    const spec = { aDtype: operandType(x), bDtype: element, aStrideBytes: x.rowBytes, bStrideBytes };
    return { x, spec, tile: affineTile, ...ofBlocks };
  }
  const rows = rowsFor(tape.capabilities, element);
  const storedRows = Math.ceil(m / ROW_STEP) * ROW_STEP; // register tiles read on past the last row
  const quantized = tape.derived(x, rows.name, storedRows * rows.rowBytes(depth), (y) => {
    const spec = { depth, xDtype: operandType(x), rows, rowsPerTile: DERIVED_ROWS };
    return quantizeActivations(spec).call({ x, y, m });
  });
  const spec = {
    aDtype: rows,
    bDtype: element,
    aStrideBytes: rows.rowBytes(depth),
    bStrideBytes,
    tilesAhead: tape.threadCount,
  };
  return { x: quantized, spec, tile: blockTile, ...ofBlocks };
}

/** Greedy choice over x·weightᵀ, a few rows at a time. */
export function recordArgmaxLinear(tape: TapeRecorder, args: Args<'argmaxLinear'>): void {
  const x = tensorOf(args.x);
  const weight = weightOf(args.weight, 'matrix');
  checkColumnCount(weight.name, weight.shape);
  const [n, depth] = weight.shape as [number, number];
  tape.useScope(x.scope);
  const rowsAtOnce =
    typeof weight.element === 'string' ? maxStreamRows(tape.capabilities) : BLOCK_STREAM_ROWS;
  for (let row = 0; row < x.rowCount; row += rowsAtOnce) {
    const rows = Math.min(rowsAtOnce, x.rowCount - row);
    const part = (tensor: Tensor): CompiledTensor => tensorOf(tensor.rows(row, row + rows));
    const factors = factorsOf(tape, part(x), weight);
    const columnsPerTile = streamColumns(n, factors.columnBytes, tape.threadCount, factors.columnStep);
    const tiles = Math.ceil(n / columnsPerTile);
    const partials = tape.buffer(tiles * rows * PARTIAL_BYTES);
    const stream = argmaxStream({ ...factors.spec, rows, n, depth, columnsPerTile });
    tape.run(stream.call({ x: factors.x, weight, partials }));
    const outputs = { ids: part(args.ids), best: part(args.best), logSumExp: part(args.logSumExp) };
    tape.run(argmaxReduce({ rows }).call({ partials, tiles, ...outputs }));
  }
}

function operandType(x: CompiledTensor): 'f32' | 'bf16' {
  if (x.element === 'i32') throw new QwenAsrError('internal', `${x.label}: expected an operand, found i32`);
  return x.element;
}

import { QwenAsrError } from '../../error.js';
import { chunkMel, conv1Gelu, flattenTime, zeroBorders } from '../../kernels/audio/convStem.js';
import {
  chunkBytes,
  convolutionWindows,
  elementBytes,
  type FeatureMapLayout,
  type PlainMapLayout,
  rowBytes,
} from '../../kernels/audio/featureMap.js';
import type { Memory } from '../../kernels/kernel.js';
import { QuantizedRows, rowsFor } from '../../kernels/matrix/formats/affineBlocks.js';
import { matmul } from '../../kernels/matrix/matmul.js';
import { convolvesByPanels } from '../../kernels/matrix/panelProduct.js';
import type { MatmulSpec } from '../../kernels/matrix/productTile.js';
import { usesTiles } from '../../kernels/matrix/tileProduct.js';
import {
  blockConvolutionTile,
  convolutionTile,
  tileConvolutionTile,
} from '../../kernels/matrix/tileShapes.js';
import { quantizeActivations } from '../../kernels/rows/quantizeActivations.js';
import type { OperatorArgs } from '../operators.js';
import {
  type CompiledFeatureMap,
  ELEMENT_BYTES,
  mapOf,
  operandOf,
  tensorOf,
  weightOf,
} from './compiledTensor.js';
import type { CompiledWeight } from './compiledWeight.js';
import { pairPanels } from './recordProducts.js';
import type { TapeRecorder } from './tapeRecorder.js';

/** Elements of a map in a tile of quantisation: some microseconds of work. */
const QUANTIZED_PIXELS = 16;

export function recordChunkMel(tape: TapeRecorder, args: OperatorArgs<'chunkMel'>): void {
  const mel = tensorOf(args.mel);
  const y = mapOf(args.y);
  const kernel = chunkMel({ bins: y.height, width: y.width });
  tape.useScope(mel.scope);
  tape.run(kernel.call({ mel, frames: mel.rowLength, map: y }));
}

export function recordConv2dGelu(tape: TapeRecorder, args: OperatorArgs<'conv2dGelu'>): void {
  const x = mapOf(args.x);
  const y = mapOf(args.y);
  tape.useScope(x.scope);
  tape.run(zeroBorders(y).call({ map: y }));
  const weight = weightOf(args.weight, 'convolution');
  const bias = weightOf(args.bias, 'vector');
  if (x.channels === 1) tape.run(conv1Gelu({ x, y }).call({ x, weight, bias, y }));
  else recordConvolution(tape, x, weight, bias, y);
}

/** A matrix product whose rows of A are windows: three runs of 3·channels elements, one for each row of the window. */
function recordConvolution(
  tape: TapeRecorder,
  x: CompiledFeatureMap,
  weight: CompiledWeight,
  bias: CompiledWeight,
  y: CompiledFeatureMap,
): void {
  const to = plainMap(y);
  const m = y.chunks * y.height * y.width;
  const factors = factorsOf(tape, x, weight, m, y.channels);
  const { from } = factors;
  const kernel = matmul({
    ...factors.spec,
    n: y.channels,
    segments: 3,
    segmentDepth: 3 * x.channels,
    aSegmentStrideBytes: rowBytes(from),
    aStrideBytes: 0,
    indirect: true,
    epilogue: {
      bias: true,
      activation: 'gelu',
      residual: false,
      yDtype: to.dtype,
      yStrideBytes: 0,
      residualStrideBytes: 0,
    },
  });
  tape.run(
    kernel.call({
      x: factors.memory,
      weight: factors.weight,
      weight2: null,
      y,
      bias,
      residual: null,
      table: windowTable(tape, convolutionWindows(from, to, y.chunks)),
      m,
      rowsPerTile: factors.rowsPerTile,
      tilesAtOnce: tape.threadCount,
    }),
  );
}

/** What a convolution multiplies, and in which tiles. */
interface ConvolutionFactors {
  /** The map as it is read. */
  readonly from: FeatureMapLayout;
  readonly memory: Memory;
  readonly weight: Memory;
  readonly spec: Pick<
    MatmulSpec,
    'aDtype' | 'bDtype' | 'bStrideBytes' | 'columnsPerTile' | 'panels' | 'tiles'
  >;
  readonly rowsPerTile: number;
}

/** Packed weights take a map whose elements are quantised; others take it as it is. */
function factorsOf(
  tape: TapeRecorder,
  x: CompiledFeatureMap,
  weight: CompiledWeight,
  m: number,
  outputs: number,
): ConvolutionFactors {
  const { capabilities, threadCount } = tape;
  const { element } = weight;
  if (typeof element === 'string') {
    const plain = plainMap(x);
    const strideBytes = 9 * x.channels * ELEMENT_BYTES[element];
    const operands = { aDtype: plain.dtype, bDtype: element, bStrideBytes: strideBytes };
    if (usesTiles(capabilities, plain.dtype, element)) {
      const { rowsPerTile, columnsPerTile } = tileConvolutionTile(m, outputs, threadCount);
      const spec = { ...operands, columnsPerTile, panels: false, tiles: 'columns' } as const;
      const rows = { m: outputs, depth: 9 * x.channels, strideBytes };
      return { from: plain, memory: x, weight: pairPanels(tape, weight, rows), spec, rowsPerTile };
    }
    const panels = convolvesByPanels(capabilities, plain.dtype, element, m);
    const { rowsPerTile, columnsPerTile } = convolutionTile(m, outputs, threadCount, panels);
    const spec = { ...operands, columnsPerTile, panels };
    return { from: plain, memory: x, weight, spec, rowsPerTile };
  }
  const pixels = rowsFor(capabilities, element);
  const from = { ...x, dtype: pixels };
  const memory = x.dtype instanceof QuantizedRows ? x : quantizedMap(tape, plainMap(x), from);
  const { rowsPerTile, columnsPerTile } = blockConvolutionTile(m, outputs, threadCount);
  const bStrideBytes = element.blockBytes(9 * x.channels);
  const spec = { aDtype: pixels, bDtype: element, bStrideBytes, columnsPerTile, panels: false };
  return { from, memory, weight, spec, rowsPerTile };
}

/** A map that was written in floating-point numbers. */
function quantizedMap(
  tape: TapeRecorder,
  x: CompiledFeatureMap & PlainMapLayout,
  to: FeatureMapLayout & { readonly dtype: QuantizedRows },
): Memory {
  const { channels: depth, dtype: xDtype, chunks } = x;
  const spec = { depth, xDtype, rows: to.dtype, rowsPerTile: QUANTIZED_PIXELS };
  return tape.derived(x, to.dtype.name, chunks * chunkBytes(to), (y) =>
    quantizeActivations(spec).call({ x, y, m: y.byteLength / elementBytes(to) }),
  );
}

function windowTable(tape: TapeRecorder, table: Int32Array): Memory {
  const block = tape.buffer(table.byteLength);
  new Int32Array(block.buffer, block.bufferOffset, table.length).set(table);
  return block;
}

export function recordFlattenTime(tape: TapeRecorder, args: OperatorArgs<'flattenTime'>): void {
  const x = plainMap(mapOf(args.x));
  const y = operandOf(args.y, x.dtype);
  tape.useScope(y.scope);
  tape.run(flattenTime(x).call({ x, y }));
}

/** @throws QwenAsrError `internal` for a map that only products with integers read */
function plainMap(map: CompiledFeatureMap): CompiledFeatureMap & PlainMapLayout {
  const { dtype, label } = map;
  if (!(dtype instanceof QuantizedRows)) return { ...map, dtype };
  throw new QwenAsrError('internal', `${label}: expected floating-point numbers, found ${dtype.name}`);
}

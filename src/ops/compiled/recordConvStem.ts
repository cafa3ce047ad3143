import { chunkMel, conv1Gelu, flattenTime, zeroBorders } from '../../kernels/audio/convStem.js';
import { convolutionWindows, type FeatureMapLayout, rowBytes } from '../../kernels/audio/featureMap.js';
import type { Memory } from '../../kernels/kernel.js';
import { matmul } from '../../kernels/matrix/matmul.js';
import { convolvesByPanels } from '../../kernels/matrix/panelProduct.js';
import { convolutionTile } from '../../kernels/matrix/tileShapes.js';
import type { OperatorArgs } from '../operators.js';
import {
  type CompiledFeatureMap,
  ELEMENT_BYTES,
  elementOf,
  mapOf,
  operandOf,
  tensorOf,
  weightOf,
} from './compiledTensor.js';
import type { CompiledWeight } from './compiledWeight.js';
import type { TapeRecorder } from './tapeRecorder.js';

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
  tape.run(zeroBorders(layoutOf(y)).call({ map: y }));
  const weight = weightOf(args.weight, 'convolution');
  const bias = weightOf(args.bias, 'vector');
  if (x.channels === 1) {
    tape.run(conv1Gelu({ x: layoutOf(x), y: layoutOf(y) }).call({ x, weight, bias, y }));
    return;
  }
  recordConvolution(tape, x, weight, bias, y);
}

/** A matrix product whose rows of A are windows: three runs of 3·channels elements, one for each row of the window. */
function recordConvolution(
  tape: TapeRecorder,
  x: CompiledFeatureMap,
  weight: CompiledWeight,
  bias: CompiledWeight,
  y: CompiledFeatureMap,
): void {
  const from = layoutOf(x);
  const to = layoutOf(y);
  const m = y.chunks * y.height * y.width;
  const panels = convolvesByPanels(tape.capabilities, from.dtype, weight.element, m);
  const { rowsPerTile, columnsPerTile } = convolutionTile(m, y.channels, tape.threadCount, panels);
  const kernel = matmul({
    aDtype: from.dtype,
    bDtype: elementOf(weight),
    n: y.channels,
    segments: 3,
    segmentDepth: 3 * x.channels,
    aSegmentStrideBytes: rowBytes(from),
    aStrideBytes: 0,
    bStrideBytes: 9 * x.channels * ELEMENT_BYTES[elementOf(weight)],
    indirect: true,
    columnsPerTile,
    panels,
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
      x,
      weight,
      weight2: null,
      y,
      bias,
      residual: null,
      table: windowTable(tape, convolutionWindows(from, to, y.chunks)),
      m,
      rowsPerTile,
      tilesAtOnce: tape.threadCount,
    }),
  );
}

function windowTable(tape: TapeRecorder, table: Int32Array): Memory {
  const block = tape.buffer(table.byteLength);
  new Int32Array(block.buffer, block.bufferOffset, table.length).set(table);
  return block;
}

export function recordFlattenTime(tape: TapeRecorder, args: OperatorArgs<'flattenTime'>): void {
  const x = mapOf(args.x);
  const y = operandOf(args.y, x.element);
  tape.useScope(y.scope);
  tape.run(flattenTime(layoutOf(x)).call({ x, y }));
}

function layoutOf(map: CompiledFeatureMap): FeatureMapLayout {
  const { channels, height, width } = map;
  return { channels, height, width, dtype: map.element === 'bf16' ? 'bf16' : 'f32' };
}

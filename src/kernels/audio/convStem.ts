import type { KernelBuilder } from '../../jit/builder.js';
import type { IntReg } from '../../jit/ir.js';
import { type ArgumentUses, defineKernel, type Kernel, type KernelParams } from '../kernel.js';
import { QuantizedRows } from '../matrix/formats/affineBlocks.js';
import { OPERAND_BYTES } from '../matrix/productPolicy.js';
import { emitQuantizedGroups } from '../rows/quantizeActivations.js';
import { Gelu } from '../vectorMath.js';
import {
  chunkBytes,
  elementBytes,
  type FeatureMapLayout,
  layoutName,
  type PlainMapLayout,
  rowBytes,
} from './featureMap.js';

/*
 * The kernels of the convolutions, in the order of the data. The second and third convolution are products of windows
 * (`convolutionWindows`).
 */

/** mel [bins, frames] f32; map: one-channel feature map of `bins` rows, f32. */
const CHUNK_MEL_ARGUMENTS = { mel: 'reads', frames: 'number', map: 'writes' } as const satisfies ArgumentUses;

/**
 * Cuts a mel into chunks of `width` frames as a feature map with border; frames past the end are zero. A tile is a
 * chunk. Elements move one by one: there are few of them.
 */
export function chunkMel(spec: {
  readonly bins: number;
  readonly width: number;
}): Kernel<typeof CHUNK_MEL_ARGUMENTS> {
  const { bins, width } = spec;
  return defineKernel({
    name: `chunkMel.${bins}x${width}`,
    args: CHUNK_MEL_ARGUMENTS,
    tiles: ({ map }) => map.byteLength / chunkBytes({ channels: 1, height: bins, width, dtype: 'f32' }),
    emit: (k, params) => emitChunkMel(k, bins, width, params),
  });
}

function emitChunkMel(
  k: KernelBuilder,
  bins: number,
  width: number,
  { args, tile }: KernelParams<typeof CHUNK_MEL_ARGUMENTS>,
): void {
  const to = args.map();
  k.advance(to, k.intOp('mul', tile, 4 * (bins + 2) * (width + 2)));
  const frames = args.frames();
  const first = k.intOp('mul', tile, width);
  const valid = k.intOp('sub', frames, first);
  k.intOp('min', valid, width, valid);
  const padding = k.intOp('sub', k.intConst(width + 1), valid); // past the end, and the right border
  const from = args.mel();
  k.advance(from, k.intOp('shiftLeft', first, 2));
  const skip = k.intOp('sub', frames, valid);
  k.intOp('shiftLeft', skip, 2, skip);

  clear(k, to, k.intConst(width + 2));
  k.loop(bins, () => {
    clear(k, to, k.intConst(1));
    k.loop(valid, () => {
      k.intStore(k.at(to), k.intLoad(k.at(from), 'i32'), 'i32');
      k.advance(from, 4);
      k.advance(to, 4);
    });
    k.advance(from, skip);
    clear(k, to, padding);
  });
  clear(k, to, k.intConst(width + 2));
}

/** Clears and passes `count` f32. */
function clear(k: KernelBuilder, to: IntReg, count: IntReg): void {
  k.loop(count, () => {
    k.intStore(k.at(to), 0, 'i32');
    k.advance(to, 4);
  });
}

const ZERO_BORDERS_ARGUMENTS = { map: 'writes' } as const satisfies ArgumentUses;

/** Clears the border of a feature map, whose zeros are zeros in every type; a tile is a chunk. channels is a multiple of 32. */
export function zeroBorders(map: FeatureMapLayout): Kernel<typeof ZERO_BORDERS_ARGUMENTS> {
  return defineKernel({
    name: `zeroBorders.${layoutName(map)}`,
    args: ZERO_BORDERS_ARGUMENTS,
    tiles: (values) => values.map.byteLength / chunkBytes(map),
    emit: (k, params) => emitZeroBorders(k, map, params),
  });
}

function emitZeroBorders(
  k: KernelBuilder,
  map: FeatureMapLayout,
  { args, tile }: KernelParams<typeof ZERO_BORDERS_ARGUMENTS>,
): void {
  const at = args.map();
  k.advance(at, k.intOp('mul', tile, chunkBytes(map)));
  // The top row and the left border of the next; then each right border with the left one that follows it in memory;
  // then the last right border and the bottom row.
  zeroRun(k, at, rowBytes(map) + elementBytes(map));
  k.loop(map.height - 1, () => {
    k.advance(at, rowBytes(map) - 2 * elementBytes(map));
    zeroRun(k, at, 2 * elementBytes(map));
  });
  k.advance(at, rowBytes(map) - 2 * elementBytes(map));
  zeroRun(k, at, rowBytes(map) + elementBytes(map));
}

/** Clears and passes `byteLength` bytes, a multiple of 4. */
function zeroRun(k: KernelBuilder, at: IntReg, byteLength: number): void {
  const zero = k.vecConst(0);
  const vectors = Math.floor(byteLength / (4 * k.lanes));
  k.loop(vectors, () => {
    k.store(k.at(at), zero);
    k.advance(at, 4 * k.lanes);
  });
  const rest = (byteLength - vectors * 4 * k.lanes) / 4;
  if (rest > 0) clear(k, at, k.intConst(rest));
}

/** x: one-channel map f32; weight [9, C] f32, taps row by row; bias [C] f32; y: map of C channels. */
const CONV1_ARGUMENTS = {
  x: 'reads',
  weight: 'reads',
  bias: 'reads',
  y: 'writes',
} as const satisfies ArgumentUses;

type Conv1Params = KernelParams<typeof CONV1_ARGUMENTS>;

export interface Conv1Spec {
  readonly x: FeatureMapLayout;
  readonly y: FeatureMapLayout;
}

/**
 * The first convolution: 3×3, stride 2, padding 1, one input channel, plus bias, then exact GELU. A tile is one output
 * row of one chunk; at each position nine inputs are broadcast and lanes run along channels.
 * Error: 17·2⁻²⁴·Σ|x·w| before GELU, then GELU's, and the rounding of y, or what `quantizeActivations` states.
 */
export function conv1Gelu(spec: Conv1Spec): Kernel<typeof CONV1_ARGUMENTS> {
  return defineKernel({
    name: `conv1Gelu.${layoutName(spec.x)}.${layoutName(spec.y)}`,
    args: CONV1_ARGUMENTS,
    tiles: ({ y }) => (y.byteLength / chunkBytes(spec.y)) * spec.y.height,
    emit: (k, params) => emitConv1Gelu(k, spec, params),
  });
}

function emitConv1Gelu(k: KernelBuilder, spec: Conv1Spec, params: Conv1Params): void {
  const { x, y } = rowPointers(k, spec, params);
  const { channels, width, dtype } = spec.y;
  // Integers come of f32 in scratch memory.
  const between = dtype instanceof QuantizedRows ? 'f32' : dtype;
  const gelu = between === dtype ? new Gelu(k) : null; // its constants stay in registers where nothing else needs them
  k.loop(width, () => {
    emitPosition(k, spec, params, x);
    const to = between === dtype ? y : k.intMove(k.int(), params.scratch);
    emitGelu(k, gelu ?? new Gelu(k), { channels, dtype: between }, params.scratch, to);
    if (dtype instanceof QuantizedRows) {
      const from = k.intMove(k.int(), params.scratch);
      emitQuantizedGroups(
        k,
        { xDtype: 'f32', rows: dtype },
        { x: from, y, groups: channels / dtype.groupSize },
      );
    }
    k.advance(x, 2 * elementBytes(spec.x));
  });
}

/** The position's channels, at `to`, which is moved behind them. */
function emitGelu(
  k: KernelBuilder,
  gelu: Gelu,
  { channels, dtype }: Pick<PlainMapLayout, 'channels' | 'dtype'>,
  scratch: IntReg,
  to: IntReg,
): void {
  const c = k.intMove(k.int(), scratch);
  k.loop(channels / k.lanes, () => {
    k.store(k.at(to), gelu.emit(k.load(k.at(c))), dtype === 'bf16' ? 'bf16' : 'raw');
    k.advance(c, 4 * k.lanes);
    k.advance(to, OPERAND_BYTES[dtype] * k.lanes);
  });
}

/** scratch[c] = bias[c] + Σ_tap x[tap]·weight[tap, c] at one position. */
function emitPosition(k: KernelBuilder, spec: Conv1Spec, { args, scratch }: Conv1Params, x: IntReg): void {
  const { channels } = spec.y;
  const taps = [0, 1, 2].flatMap((row) => [0, 1, 2].map((column) => row * rowBytes(spec.x) + column * 4));
  const inputs = taps.map((offset) => k.broadcast(k.at(x, offset)));
  const weight = args.weight();
  const bias = args.bias();
  const offset = k.intConst(0);
  k.while('lt', offset, 4 * channels, () => {
    const sum = k.load(k.at(bias, 0, offset));
    inputs.forEach((input, tap) => {
      k.fma(sum, input, k.at(weight, 4 * tap * channels, offset));
    });
    k.store(k.at(scratch, 0, offset), sum);
    k.advance(offset, 4 * k.lanes);
  });
}

/** First window of the tile's row in x, and its first element in y. */
function rowPointers(
  k: KernelBuilder,
  spec: Conv1Spec,
  { args, tile }: Conv1Params,
): { x: IntReg; y: IntReg } {
  const chunk = k.intOp('divide', tile, spec.y.height);
  const row = k.intOp('remainder', tile, spec.y.height);
  const x = args.x();
  k.advance(x, k.intOp('mul', chunk, chunkBytes(spec.x)));
  k.advance(x, k.intOp('mul', row, 2 * rowBytes(spec.x)));
  const y = args.y();
  k.advance(y, k.intOp('mul', chunk, chunkBytes(spec.y)));
  k.advance(y, k.intOp('mul', row, rowBytes(spec.y)));
  k.advance(y, rowBytes(spec.y) + elementBytes(spec.y));
  return { x, y };
}

/** x: feature map; y [rows, C·H] of its type. */
const FLATTEN_ARGUMENTS = { x: 'reads', y: 'writes' } as const satisfies ArgumentUses;

/** y[chunk·W + t, c·H + f] = x[chunk, c, f, t]: one row a time step, channel-major. A tile is a row of y. */
export function flattenTime(map: PlainMapLayout): Kernel<typeof FLATTEN_ARGUMENTS> {
  return defineKernel({
    name: `flattenTime.${layoutName(map)}`,
    args: FLATTEN_ARGUMENTS,
    tiles: ({ y }) => y.byteLength / (map.height * elementBytes(map)),
    emit: (k, params) => emitFlattenTime(k, map, params),
  });
}

function emitFlattenTime(
  k: KernelBuilder,
  map: PlainMapLayout,
  { args, tile }: KernelParams<typeof FLATTEN_ARGUMENTS>,
): void {
  const bytes = OPERAND_BYTES[map.dtype];
  const x = args.x();
  k.advance(x, k.intOp('mul', k.intOp('divide', tile, map.width), chunkBytes(map)));
  k.advance(x, k.intOp('mul', k.intOp('remainder', tile, map.width), elementBytes(map)));
  k.advance(x, rowBytes(map) + elementBytes(map));
  const y = args.y();
  k.advance(y, k.intOp('mul', tile, map.channels * map.height * bytes));
  k.loop(map.height, () => {
    const from = k.int();
    k.intMove(from, x);
    const to = k.int();
    k.intMove(to, y);
    k.loop(map.channels, () => {
      if (bytes === 2) k.intStore(k.at(to), k.intLoad(k.at(from), 'u16'), 'u16');
      else k.intStore(k.at(to), k.intLoad(k.at(from), 'i32'), 'i32');
      k.advance(from, bytes);
      k.advance(to, bytes * map.height);
    });
    k.advance(x, rowBytes(map));
    k.advance(y, bytes);
  });
}

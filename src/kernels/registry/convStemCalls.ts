import { CHUNK_MEL_SLOTS, chunkMel } from '../chunkMel.js';
import { CONV1_SLOTS, conv1Gelu } from '../conv1Gelu.js';
import { convolutionWindows, lastElement, lastWindow } from '../convolutionWindows.js';
import { chunkBytes, type FeatureMapLayout, rowBytes } from '../featureMapLayout.js';
import { FLATTEN_SLOTS, flattenTime } from '../flattenTime.js';
import { matmul } from '../matmul.js';
import { convolutionTile } from '../tileShapes.js';
import { ZERO_BORDERS_SLOTS, zeroBorders } from '../zeroBorders.js';
import {
  arrayBytes,
  BYTES,
  bf16,
  type ExampleArray,
  type ExampleCall,
  type ExampleContext,
  f32,
  i32,
  type RegisteredKernel,
} from './exampleCall.js';
import { matmulArguments } from './matmulArguments.js';
import { STEM_HEIGHTS, STEM_WIDTHS } from './modelShapes.js';

/** Chunks that the encoder convolves together. */
const CHUNKS = 8;

/** The feature map before the first convolution (0) or after the first to third. */
export function stemMap({ model, operand }: ExampleContext, stage: 0 | 1 | 2 | 3): FeatureMapLayout {
  return {
    channels: stage === 0 ? 1 : model.encoder.channels,
    height: STEM_HEIGHTS[stage],
    width: STEM_WIDTHS[stage],
    dtype: stage === 0 ? 'f32' : operand,
  };
}

export const chunkMelKernel: RegisteredKernel = {
  name: 'chunkMel',
  limit: 'memory',
  calls: (context) => {
    const map = stemMap(context, 0);
    const frames = CHUNKS * map.width - 7;
    const [mel, y] = [f32(map.height * frames), mapArray(map)];
    const slots: (number | ExampleArray)[] = [];
    slots[CHUNK_MEL_SLOTS.mel] = mel;
    slots[CHUNK_MEL_SLOTS.frames] = frames;
    slots[CHUNK_MEL_SLOTS.map] = y;
    const spec = chunkMel({ bins: map.height, width: map.width });
    return [{ label: `${frames} frames`, spec, slots, tiles: CHUNKS, flops: 0, bytes: arrayBytes(mel, y) }];
  },
};

export const zeroBordersKernel: RegisteredKernel = {
  name: 'zeroBorders',
  limit: 'memory',
  calls: (context) =>
    ([1, 2, 3] as const).map((stage) => {
      const map = stemMap(context, stage);
      const slots: (number | ExampleArray)[] = [];
      slots[ZERO_BORDERS_SLOTS.map] = mapArray(map);
      const elements = 2 * (map.height + map.width + 2) * map.channels;
      const bytes = CHUNKS * elements * BYTES[map.dtype];
      return { label: `map ${stage}`, spec: zeroBorders(map), slots, tiles: CHUNKS, flops: 0, bytes };
    }),
};

export const conv1GeluKernel: RegisteredKernel = {
  name: 'conv1Gelu',
  limit: 'arithmetic',
  calls: (context) => {
    const [x, y] = [stemMap(context, 0), stemMap(context, 1)];
    const arrays = [mapArray(x), f32(9 * y.channels), f32(y.channels), mapArray(y)] as const;
    const slots: (number | ExampleArray)[] = [];
    slots[CONV1_SLOTS.x] = arrays[0];
    slots[CONV1_SLOTS.weight] = arrays[1];
    slots[CONV1_SLOTS.bias] = arrays[2];
    slots[CONV1_SLOTS.y] = arrays[3];
    const outputs = CHUNKS * y.height * y.width * y.channels;
    return [
      {
        label: `${CHUNKS} chunks`,
        spec: conv1Gelu({ x, y }),
        slots,
        tiles: CHUNKS * y.height,
        flops: 18 * outputs,
        bytes: arrayBytes(...arrays),
      },
    ];
  },
};

export const flattenTimeKernel: RegisteredKernel = {
  name: 'flattenTime',
  limit: 'memory',
  calls: (context) => {
    const map = stemMap(context, 3);
    const rows = CHUNKS * map.width;
    const [x, y] = [mapArray(map), { dtype: map.dtype, length: rows * map.channels * map.height }];
    const slots: (number | ExampleArray)[] = [];
    slots[FLATTEN_SLOTS.x] = x;
    slots[FLATTEN_SLOTS.y] = y;
    return [
      {
        label: `${rows} rows`,
        spec: flattenTime(map),
        slots,
        tiles: rows,
        flops: 0,
        bytes: 2 * arrayBytes(y),
      },
    ];
  },
};

/** The second and third convolution, as products of windows. */
export function convolutionCalls(context: ExampleContext): ExampleCall[] {
  return ([1, 2] as const).map((stage) => {
    const x = stemMap(context, stage);
    const y = stemMap(context, stage === 1 ? 2 : 3);
    const n = y.channels;
    const m = CHUNKS * y.height * y.width;
    const { rowsPerTile, columnsPerTile } = convolutionTile(m, n, context.threadCount);
    const mTiles = Math.ceil(m / rowsPerTile);
    const depth = 9 * x.channels;
    const arrays = {
      x: mapArray(x),
      weight: bf16(n * depth),
      bias: f32(n),
      y: mapArray(y),
      table: i32(convolutionWindows(x, y, CHUNKS)),
    };
    const last = { lastX: lastWindow(x, CHUNKS), lastY: lastElement(y, CHUNKS) };
    return {
      label: `conv2d${stage + 1}, ${CHUNKS} chunks`,
      spec: matmul({
        aDtype: x.dtype,
        bDtype: 'bf16',
        n,
        segments: 3,
        segmentDepth: 3 * x.channels,
        aSegmentStrideBytes: rowBytes(x),
        aStrideBytes: 0,
        bStrideBytes: depth * BYTES.bf16,
        indirect: true,
        columnsPerTile,
        epilogue: {
          bias: true,
          activation: 'gelu',
          residual: false,
          yDtype: y.dtype,
          yStrideBytes: 0,
          residualStrideBytes: 0,
        },
      }),
      slots: matmulArguments({ ...arrays, ...last, m, mTiles, rowsPerTile }),
      tiles: mTiles * Math.ceil(n / columnsPerTile),
      flops: 2 * m * n * depth,
      bytes: arrayBytes(...Object.values(arrays)),
    };
  });
}

function mapArray(map: FeatureMapLayout): ExampleArray {
  return { dtype: map.dtype, length: (CHUNKS * chunkBytes(map)) / BYTES[map.dtype] };
}

import { chunkMel, conv1Gelu, flattenTime, zeroBorders } from '../audio/convStem.js';
import {
  chunkBytes,
  convolutionWindows,
  type FeatureMapLayout,
  type PlainMapLayout,
  rowBytes,
} from '../audio/featureMap.js';
import { melFloor, melLog, padColumns, padReflect, powerSpectrum } from '../audio/logMel.js';
import { blocksFor, rowsFor } from '../matrix/formats/affineBlocks.js';
import { matmul } from '../matrix/matmul.js';
import { convolvesByPanels } from '../matrix/panelProduct.js';
import type { MatmulSpec } from '../matrix/productTile.js';
import { usesTiles } from '../matrix/tileProduct.js';
import { blockConvolutionTile, convolutionTile, tileConvolutionTile } from '../matrix/tileShapes.js';
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
  u8,
} from './exampleCall.js';
import { STEM_HEIGHTS, STEM_WIDTHS } from './modelShapes.js';

/** Frames that the log-mel transforms together, its frequencies with padding, and its filters. */
const FRAMES = 1024;
const BINS = 208;
const FILTERS = 128;

export const padReflectKernel: RegisteredKernel = {
  name: 'padReflect',
  limit: 'memory',
  calls: () => {
    const count = (FRAMES - 1) * 160 + 400;
    const samples = f32(count);
    return [
      {
        label: `${FRAMES} frames`,
        call: (allocate) =>
          padReflect().call({
            samples: allocate(samples),
            n: count - 200,
            first: -200,
            padded: allocate(f32(count)),
            count,
          }),
        flops: 0,
        bytes: 2 * arrayBytes(samples),
      },
    ];
  },
};

export const powerSpectrumKernel: RegisteredKernel = {
  name: 'powerSpectrum',
  limit: 'memory',
  calls: () => {
    const [spectrum, power] = [f32(2 * FRAMES * BINS), f32(FRAMES * BINS)];
    const kernel = powerSpectrum({ bins: BINS, rowsPerTile: 16 });
    return [
      {
        label: `${FRAMES} frames`,
        call: (allocate) => kernel.call({ spectrum: allocate(spectrum), power: allocate(power), m: FRAMES }),
        flops: 3 * FRAMES * BINS,
        bytes: arrayBytes(spectrum, power),
      },
    ];
  },
};

export const padColumnsKernel: RegisteredKernel = {
  name: 'padColumns',
  limit: 'memory',
  calls: () => {
    const [x, y] = [f32(FILTERS * 201), f32(FILTERS * BINS)];
    return [
      {
        label: 'mel filters',
        call: (allocate) => padColumns({ from: 201, to: BINS }).call({ x: allocate(x), y: allocate(y) }),
        flops: 0,
        bytes: arrayBytes(x, y),
      },
    ];
  },
};

export const melLogKernel: RegisteredKernel = {
  name: 'melLog',
  limit: 'memory',
  calls: () => {
    const [energies, y] = [f32(FILTERS * FRAMES), f32(FILTERS * FRAMES)];
    return [
      {
        label: `${FRAMES} frames`,
        call: (allocate) =>
          melLog({ stride: FRAMES }).call({
            energies: allocate(energies),
            count: FRAMES,
            y: allocate(y),
            yStrideBytes: 4 * FRAMES,
            maxima: allocate(f32(FILTERS)),
          }),
        flops: 0,
        bytes: arrayBytes(energies, y),
      },
    ];
  },
};

export const melFloorKernel: RegisteredKernel = {
  name: 'melFloor',
  limit: 'memory',
  calls: () => {
    const y = f32(FILTERS * FRAMES);
    return [
      {
        label: `${FRAMES} frames`,
        call: (allocate) =>
          melFloor().call({
            maxima: allocate(f32(FILTERS)),
            maximumCount: FILTERS,
            y: allocate(y),
            length: y.length,
          }),
        flops: 0,
        bytes: 2 * arrayBytes(y),
      },
    ];
  },
};

/** Chunks that the encoder convolves together. */
const CHUNKS = 8;

/** The feature map before the first convolution (0) or after the first to third. */
function stemMap({ model, operand }: ExampleContext, stage: 0 | 1 | 2 | 3): PlainMapLayout {
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
    const kernel = chunkMel({ bins: map.height, width: map.width });
    return [
      {
        label: `${frames} frames`,
        call: (allocate) => kernel.call({ mel: allocate(mel), frames, map: allocate(y) }),
        flops: 0,
        bytes: arrayBytes(mel, y),
      },
    ];
  },
};

export const zeroBordersKernel: RegisteredKernel = {
  name: 'zeroBorders',
  limit: 'memory',
  calls: (context) =>
    ([1, 2, 3] as const).map((stage) => {
      const map = stemMap(context, stage);
      const elements = 2 * (map.height + map.width + 2) * map.channels;
      return {
        label: `map ${stage}`,
        call: (allocate) => zeroBorders(map).call({ map: allocate(mapArray(map)) }),
        flops: 0,
        bytes: CHUNKS * elements * BYTES[map.dtype],
      };
    }),
};

export const conv1GeluKernel: RegisteredKernel = {
  name: 'conv1Gelu',
  limit: 'arithmetic',
  calls: (context) => {
    const [x, plain] = [stemMap(context, 0), stemMap(context, 1)];
    const [weight, bias] = [f32(9 * plain.channels), f32(plain.channels)];
    const outputs = CHUNKS * plain.height * plain.width * plain.channels;
    const call = (y: FeatureMapLayout, result: ExampleArray, label: string): ExampleCall => ({
      label: `${CHUNKS} chunks${label}`,
      call: (allocate) =>
        conv1Gelu({ x, y }).call({
          x: allocate(mapArray(x)),
          weight: allocate(weight),
          bias: allocate(bias),
          y: allocate(result),
        }),
      flops: 18 * outputs,
      bytes: arrayBytes(mapArray(x), weight, bias, result),
    });
    const blocks = blocksFor(context.capabilities, 8, convolutionGroup(plain.channels));
    const y = { ...plain, dtype: rowsFor(context.capabilities, blocks) };
    return [call(plain, mapArray(plain), ''), call(y, u8(CHUNKS * chunkBytes(y)), ', 8 bits')];
  },
};

export const flattenTimeKernel: RegisteredKernel = {
  name: 'flattenTime',
  limit: 'memory',
  calls: (context) => {
    const map = stemMap(context, 3);
    const rows = CHUNKS * map.width;
    const y = { dtype: map.dtype, length: rows * map.channels * map.height };
    return [
      {
        label: `${rows} rows`,
        call: (allocate) => flattenTime(map).call({ x: allocate(mapArray(map)), y: allocate(y) }),
        flops: 0,
        bytes: 2 * arrayBytes(y),
      },
    ];
  },
};

/** The second and third convolution, as products of windows. */
export function convolutionCalls(context: ExampleContext): ExampleCall[] {
  const { capabilities, threadCount } = context;
  return convolutions(context).map(({ stage, x, y, m, depth }) => {
    const n = y.channels;
    const tiles = usesTiles(capabilities, x.dtype, 'bf16');
    const panels = !tiles && convolvesByPanels(capabilities, x.dtype, 'bf16', m);
    const tile = tiles ? tileConvolutionTile(m, n, threadCount) : convolutionTile(m, n, threadCount, panels);
    const format = { bDtype: 'bf16', bStrideBytes: depth * BYTES.bf16, panels } as const;
    return convolutionCall(context, {
      label: `conv2d${stage + 1}, ${CHUNKS} chunks`,
      maps: { x, y },
      format: { ...format, ...(tiles && { tiles: 'columns' as const }), columnsPerTile: tile.columnsPerTile },
      rowsPerTile: tile.rowsPerTile,
      arrays: { x: mapArray(x), weight: bf16(n * depth), y: mapArray(y) },
    });
  });
}

/** Channels that share a scale, as models are held (model/weightForms.ts). */
function convolutionGroup(channels: number): number {
  return channels % 160 === 0 ? 160 : 32;
}

/** The same with quantised weights and maps. */
export function blockConvolutionCalls(context: ExampleContext): ExampleCall[] {
  const { capabilities, threadCount } = context;
  return convolutions(context).map(({ stage, x: plain, y, m, depth }) => {
    const n = y.channels;
    const blocks = blocksFor(capabilities, 8, convolutionGroup(plain.channels));
    const x = { ...plain, dtype: rowsFor(capabilities, blocks) };
    const { columnsPerTile, rowsPerTile } = blockConvolutionTile(m, n, threadCount);
    return convolutionCall(context, {
      label: `conv2d${stage + 1}, ${CHUNKS} chunks, 8 bits`,
      maps: { x, y },
      format: { bDtype: blocks, bStrideBytes: blocks.blockBytes(depth), panels: false, columnsPerTile },
      rowsPerTile,
      arrays: { x: u8(CHUNKS * chunkBytes(x)), weight: u8(blocks.byteLength(n, depth)), y: mapArray(y) },
    });
  });
}

/** Maps of the second and third convolution, windows of all chunks, and elements of a window. */
function convolutions(context: ExampleContext) {
  return ([1, 2] as const).map((stage) => {
    const x = stemMap(context, stage);
    const y = stemMap(context, stage === 1 ? 2 : 3);
    return { stage, x, y, m: CHUNKS * y.height * y.width, depth: 9 * x.channels };
  });
}

/** A product of all windows of x with the weights, to the pixels of y. */
function convolutionCall(
  { threadCount }: ExampleContext,
  {
    label,
    maps: { x, y },
    format,
    rowsPerTile,
    arrays: { x: pixels, weight, y: results },
  }: {
    readonly label: string;
    readonly maps: { readonly x: FeatureMapLayout; readonly y: PlainMapLayout };
    readonly format: Pick<MatmulSpec, 'bDtype' | 'bStrideBytes' | 'panels' | 'tiles' | 'columnsPerTile'>;
    readonly rowsPerTile: number;
    readonly arrays: Readonly<Record<'x' | 'weight' | 'y', ExampleArray>>;
  },
): ExampleCall {
  const n = y.channels;
  const m = CHUNKS * y.height * y.width;
  const kernel = matmul({
    ...format,
    aDtype: x.dtype,
    n,
    segments: 3,
    segmentDepth: 3 * x.channels,
    aSegmentStrideBytes: rowBytes(x),
    aStrideBytes: 0,
    indirect: true,
    epilogue: {
      bias: true,
      activation: 'gelu',
      residual: false,
      yDtype: y.dtype,
      yStrideBytes: 0,
      residualStrideBytes: 0,
    },
  });
  const bias = f32(n);
  const table = i32(convolutionWindows(x, y, CHUNKS));
  return {
    label,
    call: (allocate) =>
      kernel.call({
        x: allocate(pixels),
        weight: allocate(weight),
        weight2: null,
        y: allocate(results),
        bias: allocate(bias),
        residual: null,
        table: allocate(table),
        m,
        rowsPerTile,
        tilesAtOnce: threadCount,
      }),
    flops: 2 * m * n * 9 * x.channels,
    bytes: arrayBytes(pixels, weight, bias, results, table),
  };
}

function mapArray(map: PlainMapLayout): ExampleArray {
  return { dtype: map.dtype, length: (CHUNKS * chunkBytes(map)) / BYTES[map.dtype] };
}

import type { Memory } from '../kernel.js';
import { usesAffineTiles } from '../matrix/affineTiles.js';
import { argmaxReduce, argmaxStream, PARTIAL_BYTES } from '../matrix/argmax.js';
import type { EpilogueSpec } from '../matrix/epilogue.js';
import {
  activationBits,
  BLOCK_COLUMNS,
  blocksFor,
  COLUMN_ALIGNMENT,
  QuantizedRows,
} from '../matrix/formats/affineBlocks.js';
import { matmul } from '../matrix/matmul.js';
import { matvec, maxStreamRows } from '../matrix/matvec.js';
import { pairPanelsBytes } from '../matrix/packPairs.js';
import { usesPanels, widensByPanels } from '../matrix/panelProduct.js';
import { usesTiles } from '../matrix/tileProduct.js';
import {
  affineTile,
  blockTile,
  matmulTile,
  ROW_STEP,
  streamColumns,
  tileProductTile,
  widenedTile,
} from '../matrix/tileShapes.js';
import { blockConvolutionCalls, convolutionCalls } from './audioCalls.js';
import {
  type Allocate,
  AUDIO_TOKENS,
  arrayBytes,
  BYTES,
  bf16,
  type ExampleArray,
  type ExampleCall,
  type ExampleContext,
  f32,
  i32,
  PROMPT_ROWS,
  type RegisteredKernel,
  u8,
} from './exampleCall.js';
import { decoderLinears, encoderLinears, type LinearShape } from './modelShapes.js';

/** Elements of K that share a scale. */
const GROUP = 64;

const BITS = [8, 4] as const;

/** Every product of the encoder and of prefill, and the convolutions of the stem. */
export const matmulKernel: RegisteredKernel = {
  name: 'matmul',
  limit: 'arithmetic',
  calls: (context) => [
    ...encoderLinears(context.model).map((shape) => matmulCall(context, shape, AUDIO_TOKENS)),
    ...decoderLinears(context.model).map((shape) => matmulCall(context, shape, PROMPT_ROWS)),
    ...BITS.flatMap((bits) => [
      ...encoderLinears(context.model).map((shape) => blockMatmulCall(context, shape, AUDIO_TOKENS, bits)),
      ...decoderLinears(context.model).map((shape) => blockMatmulCall(context, shape, PROMPT_ROWS, bits)),
    ]),
    ...convolutionCalls(context),
    ...blockConvolutionCalls(context),
  ],
};

/** Every product of a decode step: for one sequence, and for as many as one kernel serves. */
export const matvecKernel: RegisteredKernel = {
  name: 'matvec',
  limit: 'memory',
  calls: (context) => [
    ...[1, maxStreamRows(context.capabilities)].flatMap((rows) =>
      decoderLinears(context.model).map((shape) => matvecCall(context, shape, rows)),
    ),
    ...BITS.flatMap((bits) =>
      [1, 4, 8, 16].flatMap((rows) =>
        decoderLinears(context.model).map((shape) => blockMatvecCall(context, shape, rows, bits)),
      ),
    ),
  ],
};

export const argmaxStreamKernel: RegisteredKernel = {
  name: 'argmaxStream',
  limit: 'memory',
  calls: (context) => {
    const { hidden, vocabulary } = context.model.decoder;
    const common = headSpec(context);
    const { rows, columnsPerTile } = common;
    const tiles = Math.ceil(vocabulary / columnsPerTile);
    const [x, weight] = [operandArray(context, rows * hidden), bf16(vocabulary * hidden)];
    const partials = f32((tiles * rows * PARTIAL_BYTES) / 4);
    return [
      blockHeadCall(context),
      {
        label: `lm_head, ${rows} rows`,
        call: (allocate) =>
          argmaxStream(common).call({
            x: allocate(x),
            weight: allocate(weight),
            partials: allocate(partials),
          }),
        flops: 2 * rows * vocabulary * hidden,
        bytes: arrayBytes(x, weight, partials),
      },
    ];
  },
};

export const argmaxReduceKernel: RegisteredKernel = {
  name: 'argmaxReduce',
  limit: 'memory',
  calls: (context) => {
    const { rows, columnsPerTile } = headSpec(context);
    const tiles = Math.ceil(context.model.decoder.vocabulary / columnsPerTile);
    const partials = f32((tiles * rows * PARTIAL_BYTES) / 4);
    return [
      {
        label: `${rows} rows`,
        call: (allocate) =>
          argmaxReduce({ rows }).call({
            partials: allocate(partials),
            tiles,
            ids: allocate(i32(new Int32Array(rows))),
            best: allocate(f32(rows)),
            logSumExp: allocate(f32(rows)),
          }),
        flops: 0,
        bytes: arrayBytes(partials),
      },
    ];
  },
};

/** Quantised weights and activations of a product [n, depth]. */
function blockOperands({ capabilities, threadCount }: ExampleContext, n: number, depth: number, bits: 8 | 4) {
  const bDtype = blocksFor(capabilities, bits, GROUP);
  const aDtype = new QuantizedRows(activationBits(capabilities, bits), GROUP);
  const spec = {
    aDtype,
    bDtype,
    n,
    aStrideBytes: aDtype.rowBytes(depth),
    bStrideBytes: bDtype.blockBytes(depth),
    tilesAhead: threadCount,
  };
  return { spec, weight: u8(bDtype.byteLength(n, depth)), rows: (m: number) => u8(m * spec.aStrideBytes) };
}

function blockHeadCall(context: ExampleContext): ExampleCall {
  const { hidden: depth, vocabulary: n } = context.model.decoder;
  const rows = 1;
  const { spec, weight, ...operands } = blockOperands(context, n, depth, 8);
  const columnsPerTile = streamColumns(n, spec.bStrideBytes / BLOCK_COLUMNS, context.threadCount);
  const x = operands.rows(rows);
  const partials = f32((Math.ceil(n / columnsPerTile) * rows * PARTIAL_BYTES) / 4);
  return {
    label: `lm_head of 8 bits, ${rows} rows`,
    call: (allocate) =>
      argmaxStream({ ...spec, rows, depth, columnsPerTile }).call({
        x: allocate(x),
        weight: allocate(weight),
        partials: allocate(partials),
      }),
    flops: 2 * rows * n * depth,
    bytes: arrayBytes(x, weight, partials),
  };
}

function headSpec({ model, operand, threadCount }: ExampleContext): Parameters<typeof argmaxStream>[0] {
  const { hidden, vocabulary } = model.decoder;
  return {
    aDtype: operand,
    bDtype: 'bf16',
    rows: 1,
    n: vocabulary,
    depth: hidden,
    aStrideBytes: hidden * BYTES[operand],
    bStrideBytes: hidden * BYTES.bf16,
    columnsPerTile: streamColumns(vocabulary, hidden * BYTES.bf16, threadCount),
  };
}

function matmulCall(context: ExampleContext, shape: LinearShape, m: number): ExampleCall {
  const { operand, threadCount } = context;
  const { n, depth } = shape;
  const weights = shape.activation === 'swiglu' ? 2 : 1;
  const tiles = usesTiles(context.capabilities, operand, 'bf16');
  const widens = widensByPanels(context.capabilities, operand, 'bf16', m);
  const tileOf = widens ? widenedTile : matmulTile;
  const { rowsPerTile, columnsPerTile } = tiles
    ? tileProductTile(m, n, depth * BYTES.bf16, threadCount)
    : tileOf(m, n, weights, threadCount);
  const kernel = matmul({
    aDtype: operand,
    bDtype: 'bf16',
    n,
    segments: 1,
    segmentDepth: depth,
    aSegmentStrideBytes: 0,
    aStrideBytes: depth * BYTES[operand],
    bStrideBytes: depth * BYTES.bf16,
    indirect: false,
    columnsPerTile,
    panels: !tiles && usesPanels(context.capabilities, operand, 'bf16', m),
    ...(tiles && { tiles: 'rows' }),
    epilogue: epilogueOf(context, shape),
  });
  const arrays = {
    ...linearArrays(context, shape, m),
    ...(tiles && { x: bf16(pairPanelsBytes(m, depth) / BYTES.bf16) }),
  };
  return {
    label: `${shape.name}, ${m} rows`,
    call: (allocate) =>
      kernel.call({
        ...placed(arrays, allocate),
        table: null,
        m,
        rowsPerTile,
        tilesAtOnce: context.threadCount,
      }),
    ...workOf(shape, m, arrays),
  };
}

function matvecCall(context: ExampleContext, shape: LinearShape, rows: number): ExampleCall {
  const { operand, threadCount } = context;
  const { n, depth } = shape;
  const bStrideBytes = depth * BYTES.bf16;
  const weights = shape.activation === 'swiglu' ? 2 : 1;
  const columnsPerTile = streamColumns(n, weights * bStrideBytes, threadCount);
  const kernel = matvec({
    aDtype: operand,
    bDtype: 'bf16',
    rows,
    n,
    depth,
    aStrideBytes: depth * BYTES[operand],
    bStrideBytes,
    columnsPerTile,
    epilogue: epilogueOf(context, shape),
  });
  const arrays = linearArrays(context, shape, rows);
  return {
    label: `${shape.name}, ${rows} rows`,
    call: (allocate) => kernel.call(placed(arrays, allocate)),
    ...workOf(shape, rows, arrays),
  };
}

function blockMatmulCall(context: ExampleContext, shape: LinearShape, m: number, bits: 8 | 4): ExampleCall {
  const { n, depth } = shape;
  const weights = shape.activation === 'swiglu' ? 2 : 1;
  const { spec, weight, rows } = blockOperands(context, n, depth, bits);
  const { operand } = context;
  const asTiles = usesAffineTiles(context.capabilities, operand, spec.bDtype, { m, n, depth, weights });
  const { rowsPerTile, columnsPerTile } = (asTiles ? affineTile : blockTile)(m, n, context.threadCount);
  const kernel = matmul({
    ...spec,
    ...(asTiles && { aDtype: operand, aStrideBytes: depth * BYTES[operand] }),
    segments: 1,
    segmentDepth: depth,
    aSegmentStrideBytes: 0,
    indirect: false,
    columnsPerTile,
    panels: false,
    epilogue: epilogueOf(context, shape),
  });
  const x = asTiles ? operandArray(context, m * depth) : rows(Math.ceil(m / ROW_STEP) * ROW_STEP);
  const arrays = {
    ...linearArrays(context, shape, m),
    x,
    weight,
    weight2: weights === 2 ? { ...weight } : null,
  };
  return {
    label: `${shape.name}, ${m} rows, ${bits} bits`,
    call: (allocate) =>
      kernel.call({
        ...placed(arrays, allocate),
        table: null,
        m,
        rowsPerTile,
        tilesAtOnce: context.threadCount,
      }),
    ...workOf(shape, m, arrays),
  };
}

function blockMatvecCall(
  context: ExampleContext,
  shape: LinearShape,
  rows: number,
  bits: 8 | 4,
): ExampleCall {
  const { n, depth } = shape;
  const weights = shape.activation === 'swiglu' ? 2 : 1;
  const { spec, weight, ...operands } = blockOperands(context, n, depth, bits);
  const columnBytes = (weights * spec.bStrideBytes) / BLOCK_COLUMNS;
  const columnsPerTile = streamColumns(n, columnBytes, context.threadCount, COLUMN_ALIGNMENT);
  const kernel = matvec({ ...spec, rows, depth, columnsPerTile, epilogue: epilogueOf(context, shape) });
  const x = operands.rows(rows);
  const arrays = {
    ...linearArrays(context, shape, rows),
    x,
    weight,
    weight2: weights === 2 ? { ...weight } : null,
  };
  return {
    label: `${shape.name}, ${rows} rows, ${bits} bits`,
    call: (allocate) => kernel.call(placed(arrays, allocate)),
    ...workOf(shape, rows, arrays),
  };
}

/** How a layer's product goes to memory; rows of y are contiguous. */
function epilogueOf({ operand }: Pick<ExampleContext, 'operand'>, shape: LinearShape): EpilogueSpec {
  const yDtype = shape.yIsOperand ? operand : 'f32';
  return {
    bias: shape.bias,
    activation: shape.activation,
    residual: shape.residual !== 'none',
    yDtype,
    yStrideBytes: shape.n * BYTES[yDtype],
    residualStrideBytes: shape.residual === 'none' ? 0 : shape.n * BYTES.f32,
  };
}

interface LinearArrays {
  readonly x: ExampleArray;
  readonly weight: ExampleArray;
  readonly weight2: ExampleArray | null;
  readonly y: ExampleArray;
  readonly bias: ExampleArray | null;
  /** May be y itself. */
  readonly residual: ExampleArray | null;
}

function linearArrays(context: ExampleContext, shape: LinearShape, m: number): LinearArrays {
  const { n, depth } = shape;
  const y = shape.yIsOperand ? operandArray(context, m * n) : f32(m * n);
  return {
    x: operandArray(context, m * depth),
    weight: bf16(n * depth),
    weight2: shape.activation === 'swiglu' ? bf16(n * depth) : null,
    y,
    bias: shape.bias ? f32(n) : null,
    residual: { none: null, self: y, other: f32(m * n) }[shape.residual],
  };
}

/** The arrays in memory. */
function placed(arrays: LinearArrays, allocate: Allocate) {
  const optional = (array: ExampleArray | null): Memory | null => (array === null ? null : allocate(array));
  const y = allocate(arrays.y);
  return {
    x: allocate(arrays.x),
    weight: allocate(arrays.weight),
    weight2: optional(arrays.weight2),
    y,
    bias: optional(arrays.bias),
    residual: arrays.residual === arrays.y ? y : optional(arrays.residual),
  };
}

function workOf(shape: LinearShape, m: number, arrays: LinearArrays): { flops: number; bytes: number } {
  const weights = shape.activation === 'swiglu' ? 2 : 1;
  return {
    flops: 2 * weights * m * shape.n * shape.depth,
    bytes: arrayBytes(...new Set(Object.values(arrays).filter((array) => array !== null))),
  };
}

function operandArray({ operand }: ExampleContext, length: number): ExampleArray {
  return { dtype: operand, length };
}

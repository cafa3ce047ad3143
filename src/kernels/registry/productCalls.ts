import { ARGMAX_REDUCE_SLOTS, argmaxReduce, argmaxStream, PARTIAL_BYTES } from '../argmax.js';
import type { EpilogueSpec } from '../epilogue.js';
import { matmul } from '../matmul.js';
import type { MATMUL_SLOTS } from '../matmulSlots.js';
import { matvec } from '../matvec.js';
import { maxStreamRows } from '../streamDot.js';
import { matmulTile, streamColumns } from '../tileShapes.js';

import { convolutionCalls } from './convStemCalls.js';
import {
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
} from './exampleCall.js';
import { matmulArguments } from './matmulArguments.js';
import { decoderLinears, encoderLinears, type LinearShape } from './modelShapes.js';

/** Every product of the encoder and of prefill, and the convolutions of the stem. */
export const matmulKernel: RegisteredKernel = {
  name: 'matmul',
  limit: 'arithmetic',
  calls: (context) => [
    ...encoderLinears(context.model).map((shape) => matmulCall(context, shape, AUDIO_TOKENS)),
    ...decoderLinears(context.model).map((shape) => matmulCall(context, shape, PROMPT_ROWS)),
    ...convolutionCalls(context),
  ],
};

/** Every product of a decode step: for one sequence, and for as many as one kernel serves. */
export const matvecKernel: RegisteredKernel = {
  name: 'matvec',
  limit: 'memory',
  calls: (context) =>
    [1, maxStreamRows(context.capabilities)].flatMap((rows) =>
      decoderLinears(context.model).map((shape) => matvecCall(context, shape, rows)),
    ),
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
      {
        label: `lm_head, ${rows} rows`,
        spec: argmaxStream(common),
        slots: matmulArguments({ x, weight, y: partials, m: rows }),
        tiles,
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
    const slots: (number | ExampleArray)[] = [];
    slots[ARGMAX_REDUCE_SLOTS.partials] = partials;
    slots[ARGMAX_REDUCE_SLOTS.tiles] = tiles;
    slots[ARGMAX_REDUCE_SLOTS.ids] = i32(new Int32Array(rows));
    slots[ARGMAX_REDUCE_SLOTS.best] = f32(rows);
    slots[ARGMAX_REDUCE_SLOTS.logSumExp] = f32(rows);
    const spec = argmaxReduce({ rows });
    return [{ label: `${rows} rows`, spec, slots, tiles: 1, flops: 0, bytes: arrayBytes(partials) }];
  },
};

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
  const { rowsPerTile, columnsPerTile } = matmulTile(m, n, weights, threadCount);
  const mTiles = Math.ceil(m / rowsPerTile);
  const spec = matmul({
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
    epilogue: epilogueOf(context, shape),
  });
  const arrays = linearArrays(context, shape, m);
  return {
    label: `${shape.name}, ${m} rows`,
    spec,
    slots: matmulArguments({ ...arrays, m, mTiles, rowsPerTile }),
    tiles: mTiles * Math.ceil(n / columnsPerTile),
    ...workOf(shape, m, arrays),
  };
}

function matvecCall(context: ExampleContext, shape: LinearShape, rows: number): ExampleCall {
  const { operand, threadCount } = context;
  const { n, depth } = shape;
  const bStrideBytes = depth * BYTES.bf16;
  const weights = shape.activation === 'swiglu' ? 2 : 1;
  const columnsPerTile = streamColumns(n, weights * bStrideBytes, threadCount);
  const spec = matvec({
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
    spec,
    slots: matmulArguments({ ...arrays, m: rows }),
    tiles: Math.ceil(n / columnsPerTile),
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

type LinearArrays = Partial<Record<keyof typeof MATMUL_SLOTS, ExampleArray>>;

function linearArrays(context: ExampleContext, shape: LinearShape, m: number): LinearArrays {
  const { n, depth } = shape;
  const y = shape.yIsOperand ? operandArray(context, m * n) : f32(m * n);
  return {
    x: operandArray(context, m * depth),
    weight: bf16(n * depth),
    ...(shape.activation === 'swiglu' ? { weight2: bf16(n * depth) } : {}),
    y,
    ...(shape.bias ? { bias: f32(n) } : {}),
    ...(shape.residual === 'none' ? {} : { residual: shape.residual === 'self' ? y : f32(m * n) }),
  };
}

function workOf(shape: LinearShape, m: number, arrays: LinearArrays): { flops: number; bytes: number } {
  const weights = shape.activation === 'swiglu' ? 2 : 1;
  return {
    flops: 2 * weights * m * shape.n * shape.depth,
    bytes: arrayBytes(...new Set(Object.values(arrays))),
  };
}

function operandArray({ operand }: ExampleContext, length: number): ExampleArray {
  return { dtype: operand, length };
}

import { type CachedAttentionSpec, prefillAttention } from '../attention/prefillAttention.js';
import { stepAttention } from '../attention/stepAttention.js';
import { windowAttention } from '../attention/windowAttention.js';
import type { KernelCall, Memory } from '../kernel.js';
import { AffineBlocks, activationBits, QuantizedRows } from '../matrix/formats/affineBlocks.js';
import { embedRows } from '../rows/embedRows.js';
import { layerNorm, type NormSpec, rmsNorm } from '../rows/norms.js';
import { quantizeActivations } from '../rows/quantizeActivations.js';
import { rotaryToCache } from '../rows/rotaryToCache.js';
import { widenedStrideBytes, widenRows } from '../rows/widenRows.js';
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
  u8,
} from './exampleCall.js';

/** Rows of a norm's tile. */
const NORM_ROWS = 8;

/** Elements of K that share a scale. */
const GROUP = 64;

const RMS_EPSILON = 1e-6;
const LAYER_NORM_EPSILON = 1e-5;

export const rmsNormKernel: RegisteredKernel = {
  name: 'rmsNorm',
  limit: 'memory',
  calls: (context) =>
    [PROMPT_ROWS, 1].map((rows) =>
      normCall(context, context.model.decoder.hidden, rows, RMS_EPSILON, (spec, values) =>
        rmsNorm(spec).call(values),
      ),
    ),
};

export const layerNormKernel: RegisteredKernel = {
  name: 'layerNorm',
  limit: 'memory',
  calls: (context) => [
    normCall(context, context.model.encoder.dModel, AUDIO_TOKENS, LAYER_NORM_EPSILON, (spec, values) =>
      layerNorm(spec).call(values),
    ),
  ],
};

type NormValues = Record<'x' | 'y' | 'weight' | 'bias', Memory> & { readonly m: number };

function normCall(
  context: ExampleContext,
  length: number,
  rows: number,
  epsilon: number,
  call: (spec: NormSpec, values: NormValues) => KernelCall,
): ExampleCall {
  const spec = { length, epsilon, yDtype: context.operand, rowsPerTile: NORM_ROWS };
  const [x, y] = [f32(rows * length), { dtype: context.operand, length: rows * length }];
  return {
    label: `${rows} rows of ${length}`,
    call: (allocate) => {
      const [weight, bias] = [allocate(f32(length)), allocate(f32(length))];
      return call(spec, { x: allocate(x), y: allocate(y), weight, bias, m: rows });
    },
    flops: 4 * rows * length,
    bytes: arrayBytes(x, y),
  };
}

export const embedRowsKernel: RegisteredKernel = {
  name: 'embedRows',
  limit: 'memory',
  calls: ({ model }) => {
    const { hidden, vocabulary } = model.decoder;
    const ids = Int32Array.from({ length: PROMPT_ROWS }, (_, i) => (i * 7919) % vocabulary);
    const y = f32(PROMPT_ROWS * hidden);
    return [
      {
        label: `${PROMPT_ROWS} rows`,
        call: (allocate) =>
          embedRows({ length: hidden, tableDtype: 'bf16' }).call({
            ids: allocate(i32(ids)),
            table: allocate(bf16(vocabulary * hidden)),
            y: allocate(y),
            lastId: vocabulary - 1,
          }),
        flops: 0,
        bytes: arrayBytes(y) + arrayBytes(y) / 2,
      },
      {
        label: `${PROMPT_ROWS} rows of 8-bit blocks`,
        call: (allocate) =>
          embedRows({ length: hidden, tableDtype: new AffineBlocks(8, GROUP) }).call({
            ids: allocate(i32(ids)),
            table: allocate(u8(new AffineBlocks(8, GROUP).byteLength(vocabulary, hidden))),
            y: allocate(y),
            lastId: vocabulary - 1,
          }),
        flops: 0,
        bytes: arrayBytes(y) + arrayBytes(y) / 4,
      },
    ];
  },
};

export const quantizeActivationsKernel: RegisteredKernel = {
  name: 'quantizeActivations',
  limit: 'memory',
  calls: ({ model, capabilities, operand }) => {
    const depth = model.decoder.hidden;
    const rows = new QuantizedRows(activationBits(capabilities, 8), GROUP);
    return [PROMPT_ROWS, 1].map((m) => {
      const [x, y] = [{ dtype: operand, length: m * depth }, u8(m * rows.rowBytes(depth))];
      const spec = { depth, xDtype: operand, rows, rowsPerTile: NORM_ROWS };
      return {
        label: `${m} rows of ${depth}`,
        call: (allocate) => quantizeActivations(spec).call({ x: allocate(x), y: allocate(y), m }),
        flops: 4 * m * depth,
        bytes: arrayBytes(x, y),
      };
    });
  },
};

export const widenRowsKernel: RegisteredKernel = {
  name: 'widenRows',
  limit: 'memory',
  calls: ({ model }) => {
    const { hidden: depth } = model.decoder;
    const [x, y] = [bf16(PROMPT_ROWS * depth), f32((PROMPT_ROWS * widenedStrideBytes(depth)) / BYTES.f32)];
    return [
      {
        label: `${PROMPT_ROWS} rows of ${depth}`,
        call: (allocate) =>
          widenRows({ depth, strideBytes: BYTES.bf16 * depth, rowsPerTile: NORM_ROWS }).call({
            x: allocate(x),
            y: allocate(y),
            m: PROMPT_ROWS,
          }),
        flops: 0,
        bytes: arrayBytes(x, y),
      },
    ];
  },
};

export const rotaryToCacheKernel: RegisteredKernel = {
  name: 'rotaryToCache',
  limit: 'memory',
  calls: (context) => {
    const { heads, kvHeads, headDim } = context.model.decoder;
    const rows = PROMPT_ROWS;
    const cache: ExampleArray = { dtype: context.operand, length: kvHeads * CAPACITY * headDim };
    const [q, kv] = [f32(rows * heads * headDim), f32(rows * kvHeads * headDim)];
    const [norm, angles] = [f32(headDim), f32((CAPACITY * headDim) / 2)];
    const { operand: dtype } = context;
    const kernel = rotaryToCache({
      heads,
      kvHeads,
      headDim,
      capacity: CAPACITY,
      epsilon: RMS_EPSILON,
      dtype,
    });
    const read = arrayBytes(q, kv, kv);
    return [
      {
        label: `${rows} rows`,
        call: (allocate) =>
          kernel.call({
            q: allocate(q),
            k: allocate(kv),
            v: allocate(kv),
            qNorm: allocate(norm),
            kNorm: allocate(norm),
            cos: allocate(angles),
            sin: allocate(angles),
            positions: allocate(i32(Int32Array.from({ length: rows }, (_, i) => i))),
            sequences: allocate(i32(new Int32Array(rows))),
            y: allocate({ dtype, length: q.length }),
            keys: allocate(cache),
            values: allocate(cache),
            lastPosition: CAPACITY - 1,
            lastSequence: 0,
          }),
        flops: 0,
        bytes: read + (dtype === 'bf16' ? read / 2 : read),
      },
    ];
  },
};

/** Positions that a sequence of the cache holds. */
const CAPACITY = 768;

export const windowAttentionKernel: RegisteredKernel = {
  name: 'windowAttention',
  limit: 'arithmetic',
  calls: (context) => {
    const { dModel, heads, windowTokens } = context.model.encoder;
    const tokens = AUDIO_TOKENS;
    const strideBytes = dModel * BYTES[context.operand];
    const kernel = windowAttention({
      dtype: context.operand,
      heads,
      headDim: dModel / heads,
      windowTokens,
      qStrideBytes: strideBytes,
      kStrideBytes: strideBytes,
      vStrideBytes: strideBytes,
      yStrideBytes: strideBytes,
    });
    const rows = { dtype: context.operand, length: tokens * dModel };
    const rest = tokens % windowTokens;
    const pairs = Math.floor(tokens / windowTokens) * windowTokens ** 2 + rest ** 2;
    return [
      {
        label: `${tokens} tokens`,
        call: (allocate) => {
          const [q, k, v, y] = [allocate(rows), allocate(rows), allocate(rows), allocate(rows)];
          return kernel.call({ q, k, v, y, tokens });
        },
        flops: 4 * pairs * dModel,
        bytes: 4 * arrayBytes(rows),
      },
    ];
  },
};

export const prefillAttentionKernel: RegisteredKernel = {
  name: 'prefillAttention',
  limit: 'arithmetic',
  calls: (context) => {
    const { heads, headDim } = context.model.decoder;
    const positions = Int32Array.from({ length: PROMPT_ROWS }, (_, i) => i);
    const flops = 2 * PROMPT_ROWS * (PROMPT_ROWS + 1) * heads * headDim;
    return [{ ...cachedCall(context, prefillAttention, positions), flops }];
  },
};

export const stepAttentionKernel: RegisteredKernel = {
  name: 'stepAttention',
  limit: 'memory',
  calls: (context) => {
    const { heads, headDim } = context.model.decoder;
    const position = 200;
    const flops = 4 * (position + 1) * heads * headDim;
    return [{ ...cachedCall(context, stepAttention, Int32Array.of(position)), flops }];
  },
};

/** Attention over the cache, for rows of one sequence. */
function cachedCall(
  { model, operand }: ExampleContext,
  makeKernel: typeof prefillAttention | typeof stepAttention,
  positions: Int32Array,
): Omit<ExampleCall, 'flops'> {
  const { heads, kvHeads, headDim } = model.decoder;
  const rows = positions.length;
  const spec: CachedAttentionSpec = {
    dtype: operand,
    heads,
    kvHeads,
    headDim,
    capacity: CAPACITY,
    sequenceStrideBytes: kvHeads * CAPACITY * headDim * BYTES[operand],
    qStrideBytes: heads * headDim * BYTES[operand],
    yStrideBytes: heads * headDim * BYTES[operand],
  };
  const q: ExampleArray = { dtype: operand, length: rows * heads * headDim };
  const cache: ExampleArray = { dtype: operand, length: kvHeads * CAPACITY * headDim };
  const keys = positions.at(-1)! + 1;
  return {
    label: `${rows} rows, ${keys} keys`,
    call: (allocate) =>
      makeKernel(spec).call({
        q: allocate(q),
        y: allocate(q),
        keys: allocate(cache),
        values: allocate(cache),
        positions: allocate(i32(positions)),
        sequences: allocate(i32(new Int32Array(rows))),
        rows,
        lastPosition: CAPACITY - 1,
        lastSequence: 0,
      }),
    bytes: 2 * arrayBytes(q) + 2 * keys * kvHeads * headDim * BYTES[operand],
  };
}

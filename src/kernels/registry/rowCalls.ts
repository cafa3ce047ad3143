import { embedRows } from '../embedRows.js';
import type { KernelCall, Memory } from '../kernel.js';
import { layerNorm } from '../layerNorm.js';
import { type NormSpec, rmsNorm } from '../rmsNorm.js';
import { rotaryToCache } from '../rotaryToCache.js';
import {
  AUDIO_TOKENS,
  arrayBytes,
  bf16,
  type ExampleArray,
  type ExampleCall,
  type ExampleContext,
  f32,
  i32,
  PROMPT_ROWS,
  type RegisteredKernel,
} from './exampleCall.js';

/** Rows of a norm's tile. */
const NORM_ROWS = 8;

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
    ];
  },
};

export const rotaryToCacheKernel: RegisteredKernel = {
  name: 'rotaryToCache',
  limit: 'memory',
  calls: (context) => {
    const { heads, kvHeads, headDim } = context.model.decoder;
    const capacity = 768;
    const rows = PROMPT_ROWS;
    const cache: ExampleArray = { dtype: context.operand, length: kvHeads * capacity * headDim };
    const [q, kv] = [f32(rows * heads * headDim), f32(rows * kvHeads * headDim)];
    const [norm, angles] = [f32(headDim), f32((capacity * headDim) / 2)];
    const { operand: dtype } = context;
    const kernel = rotaryToCache({ heads, kvHeads, headDim, capacity, epsilon: RMS_EPSILON, dtype });
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
            lastPosition: capacity - 1,
            lastSequence: 0,
          }),
        flops: 0,
        bytes: read + (dtype === 'bf16' ? read / 2 : read),
      },
    ];
  },
};

import { EMBED_SLOTS, embedRows } from '../embedRows.js';
import type { KernelSpec } from '../kernel.js';
import { layerNorm } from '../layerNorm.js';
import { NORM_SLOTS, type NormSpec, rmsNorm } from '../rmsNorm.js';
import { ROTARY_SLOTS, rotaryToCache } from '../rotaryToCache.js';
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
      normCall(context, rmsNorm, context.model.decoder.hidden, rows, RMS_EPSILON),
    ),
};

export const layerNormKernel: RegisteredKernel = {
  name: 'layerNorm',
  limit: 'memory',
  calls: (context) => [
    normCall(context, layerNorm, context.model.encoder.dModel, AUDIO_TOKENS, LAYER_NORM_EPSILON),
  ],
};

function normCall(
  context: ExampleContext,
  kernel: (spec: NormSpec) => KernelSpec,
  length: number,
  rows: number,
  epsilon: number,
): ExampleCall {
  const spec = { length, epsilon, yDtype: context.operand, rowsPerTile: NORM_ROWS };
  const [x, y] = [f32(rows * length), { dtype: context.operand, length: rows * length }];
  const slots: (number | ExampleArray)[] = [];
  slots[NORM_SLOTS.x] = x;
  slots[NORM_SLOTS.y] = y;
  slots[NORM_SLOTS.weight] = f32(length);
  slots[NORM_SLOTS.bias] = f32(length);
  slots[NORM_SLOTS.m] = rows;
  return {
    label: `${rows} rows of ${length}`,
    spec: kernel(spec),
    slots,
    tiles: Math.ceil(rows / NORM_ROWS),
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
    const slots: (number | ExampleArray)[] = [];
    slots[EMBED_SLOTS.ids] = i32(ids);
    slots[EMBED_SLOTS.table] = bf16(vocabulary * hidden);
    slots[EMBED_SLOTS.y] = y;
    slots[EMBED_SLOTS.lastId] = vocabulary - 1;
    const bytes = arrayBytes(y) + arrayBytes(y) / 2;
    const spec = embedRows({ length: hidden, tableDtype: 'bf16' });
    return [{ label: `${PROMPT_ROWS} rows`, spec, slots, tiles: PROMPT_ROWS, flops: 0, bytes }];
  },
};

export const rotaryToCacheKernel: RegisteredKernel = {
  name: 'rotaryToCache',
  limit: 'memory',
  calls: (context) => {
    const { heads, kvHeads, headDim } = context.model.decoder;
    const capacity = 768;
    const rows = PROMPT_ROWS;
    const cache = (): ExampleArray => ({ dtype: context.operand, length: kvHeads * capacity * headDim });
    const q = f32(rows * heads * headDim);
    const kv = f32(rows * kvHeads * headDim);
    const slots: (number | ExampleArray)[] = [];
    slots[ROTARY_SLOTS.q] = q;
    slots[ROTARY_SLOTS.k] = kv;
    slots[ROTARY_SLOTS.v] = f32(kv.length);
    slots[ROTARY_SLOTS.qNorm] = f32(headDim);
    slots[ROTARY_SLOTS.kNorm] = f32(headDim);
    slots[ROTARY_SLOTS.cos] = f32((capacity * headDim) / 2);
    slots[ROTARY_SLOTS.sin] = f32((capacity * headDim) / 2);
    slots[ROTARY_SLOTS.positions] = i32(Int32Array.from({ length: rows }, (_, i) => i));
    slots[ROTARY_SLOTS.sequences] = i32(new Int32Array(rows));
    slots[ROTARY_SLOTS.y] = { dtype: context.operand, length: q.length };
    slots[ROTARY_SLOTS.keys] = cache();
    slots[ROTARY_SLOTS.values] = cache();
    slots[ROTARY_SLOTS.lastPosition] = capacity - 1;
    slots[ROTARY_SLOTS.lastSequence] = 0;
    const read = arrayBytes(q, kv, kv);
    return [
      {
        label: `${rows} rows`,
        spec: rotaryToCache({
          heads,
          kvHeads,
          headDim,
          capacity,
          epsilon: RMS_EPSILON,
          dtype: context.operand,
        }),
        slots,
        tiles: rows,
        flops: 0,
        bytes: read + (context.operand === 'bf16' ? read / 2 : read),
      },
    ];
  },
};

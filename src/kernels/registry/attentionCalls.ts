import { CACHED_ATTENTION_SLOTS, prefillAttention, prefillAttentionTiles } from '../prefillAttention.js';
import { stepAttention, stepAttentionTiles } from '../stepAttention.js';
import { WINDOW_ATTENTION_SLOTS, windowAttention, windowAttentionTiles } from '../windowAttention.js';
import {
  AUDIO_TOKENS,
  arrayBytes,
  BYTES,
  type ExampleArray,
  type ExampleCall,
  type ExampleContext,
  i32,
  PROMPT_ROWS,
  type RegisteredKernel,
} from './exampleCall.js';

/** Positions that a sequence of the cache holds. */
const CAPACITY = 768;

export const windowAttentionKernel: RegisteredKernel = {
  name: 'windowAttention',
  limit: 'arithmetic',
  calls: (context) => {
    const { dModel, heads, windowTokens } = context.model.encoder;
    const tokens = AUDIO_TOKENS;
    const strideBytes = dModel * BYTES[context.operand];
    const spec = {
      dtype: context.operand,
      heads,
      headDim: dModel / heads,
      windowTokens,
      qStrideBytes: strideBytes,
      kStrideBytes: strideBytes,
      vStrideBytes: strideBytes,
      yStrideBytes: strideBytes,
    };
    const rows = (): ExampleArray => ({ dtype: context.operand, length: tokens * dModel });
    const slots: (number | ExampleArray)[] = [];
    for (const name of ['q', 'k', 'v', 'y'] as const) slots[WINDOW_ATTENTION_SLOTS[name]] = rows();
    slots[WINDOW_ATTENTION_SLOTS.tokens] = tokens;
    const rest = tokens % windowTokens;
    const pairs = Math.floor(tokens / windowTokens) * windowTokens ** 2 + rest ** 2;
    return [
      {
        label: `${tokens} tokens`,
        spec: windowAttention(spec),
        slots,
        tiles: windowAttentionTiles(spec, tokens),
        flops: 4 * pairs * dModel,
        bytes: 4 * arrayBytes(rows()),
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
    const spec = cachedSpec(context);
    return [
      {
        ...cachedCall(context, positions, new Int32Array(PROMPT_ROWS)),
        spec: prefillAttention(spec),
        tiles: prefillAttentionTiles(spec, PROMPT_ROWS),
        flops: 2 * PROMPT_ROWS * (PROMPT_ROWS + 1) * heads * headDim,
      },
    ];
  },
};

export const stepAttentionKernel: RegisteredKernel = {
  name: 'stepAttention',
  limit: 'memory',
  calls: (context) => {
    const { heads, headDim } = context.model.decoder;
    const spec = cachedSpec(context);
    const position = 200;
    return [
      {
        ...cachedCall(context, Int32Array.of(position), new Int32Array(1)),
        spec: stepAttention(spec),
        tiles: stepAttentionTiles(spec, 1),
        flops: 4 * (position + 1) * heads * headDim,
      },
    ];
  },
};

function cachedSpec(context: ExampleContext): Parameters<typeof prefillAttention>[0] {
  const { heads, kvHeads, headDim } = context.model.decoder;
  const elementBytes = BYTES[context.operand];
  return {
    dtype: context.operand,
    heads,
    kvHeads,
    headDim,
    capacity: CAPACITY,
    sequenceStrideBytes: kvHeads * CAPACITY * headDim * elementBytes,
    qStrideBytes: heads * headDim * elementBytes,
    yStrideBytes: heads * headDim * elementBytes,
  };
}

/** Slots of attention over the cache, for rows of one sequence. */
function cachedCall(
  { model, operand }: ExampleContext,
  positions: Int32Array,
  sequences: Int32Array,
): Omit<ExampleCall, 'spec' | 'tiles' | 'flops'> {
  const { heads, kvHeads, headDim } = model.decoder;
  const rows = positions.length;
  const q = { dtype: operand, length: rows * heads * headDim };
  const cache = (): ExampleArray => ({ dtype: operand, length: kvHeads * CAPACITY * headDim });
  const slots: (number | ExampleArray)[] = [];
  slots[CACHED_ATTENTION_SLOTS.q] = q;
  slots[CACHED_ATTENTION_SLOTS.y] = { ...q };
  slots[CACHED_ATTENTION_SLOTS.keys] = cache();
  slots[CACHED_ATTENTION_SLOTS.values] = cache();
  slots[CACHED_ATTENTION_SLOTS.positions] = i32(positions);
  slots[CACHED_ATTENTION_SLOTS.sequences] = i32(sequences);
  slots[CACHED_ATTENTION_SLOTS.rows] = rows;
  slots[CACHED_ATTENTION_SLOTS.lastPosition] = CAPACITY - 1;
  slots[CACHED_ATTENTION_SLOTS.lastSequence] = 0;
  const keys = positions.at(-1)! + 1;
  const bytes = 2 * arrayBytes(q) + 2 * keys * kvHeads * headDim * BYTES[operand];
  return { label: `${rows} rows, ${keys} keys`, slots, bytes };
}

import { type CachedAttentionSpec, prefillAttention } from '../prefillAttention.js';
import { stepAttention } from '../stepAttention.js';
import { windowAttention } from '../windowAttention.js';
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

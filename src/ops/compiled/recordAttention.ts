import {
  CACHED_ATTENTION_SLOTS,
  type CachedAttentionSpec,
  prefillAttention,
  prefillAttentionTiles,
} from '../../kernels/prefillAttention.js';
import { stepAttention, stepAttentionTiles } from '../../kernels/stepAttention.js';
import {
  WINDOW_ATTENTION_SLOTS,
  windowAttention,
  windowAttentionTiles,
} from '../../kernels/windowAttention.js';
import type { Operators } from '../operators.js';
import { checkHeadDim } from './checkShapes.js';
import { cacheOf, tensorOf } from './compiledHandles.js';
import { ELEMENT_BYTES } from './compiledTensor.js';
import type { TapeRecorder } from './tapeRecorder.js';

type Args<Name extends keyof Operators> = Parameters<Operators[Name]>[0];

export function recordWindowAttention(tape: TapeRecorder, args: Args<'windowAttention'>): void {
  const [q, k, v, y] = [args.q, args.k, args.v, args.y].map(tensorOf) as [Handle, Handle, Handle, Handle];
  const { heads, windowTokens } = args;
  checkHeadDim(q.label, q.rowLength / heads);
  const spec = {
    dtype: tape.operand,
    heads,
    headDim: q.rowLength / heads,
    windowTokens,
    qStrideBytes: q.rowBytes,
    kStrideBytes: k.rowBytes,
    vStrideBytes: v.rowBytes,
    yStrideBytes: y.rowBytes,
  };
  const slots: number[] = [];
  slots[WINDOW_ATTENTION_SLOTS.q] = q.address;
  slots[WINDOW_ATTENTION_SLOTS.k] = k.address;
  slots[WINDOW_ATTENTION_SLOTS.v] = v.address;
  slots[WINDOW_ATTENTION_SLOTS.y] = y.address;
  slots[WINDOW_ATTENTION_SLOTS.tokens] = q.rowCount;
  tape.operator(q.scope);
  tape.call(windowAttention(spec), slots, windowAttentionTiles(spec, q.rowCount));
}

type Handle = ReturnType<typeof tensorOf>;

export function recordCachedAttention(tape: TapeRecorder, args: Args<'cachedAttention'>): void {
  const { layer, rows } = args;
  const q = tensorOf(args.q);
  const y = tensorOf(args.y);
  const cache = cacheOf(args.cache);
  const { kvHeads, headDim, capacity } = cache;
  checkHeadDim(q.label, headDim);
  const spec: CachedAttentionSpec = {
    dtype: tape.operand,
    heads: q.rowLength / headDim,
    kvHeads,
    headDim,
    capacity,
    sequenceStrideBytes: kvHeads * capacity * headDim * ELEMENT_BYTES[cache.element],
    qStrideBytes: q.rowBytes,
    yStrideBytes: y.rowBytes,
  };
  const slots: number[] = [];
  slots[CACHED_ATTENTION_SLOTS.q] = q.address;
  slots[CACHED_ATTENTION_SLOTS.y] = y.address;
  slots[CACHED_ATTENTION_SLOTS.keys] = cache.layerAddresses[layer]!;
  slots[CACHED_ATTENTION_SLOTS.values] = cache.layerAddresses[layer]! + cache.layerBytes / 2;
  slots[CACHED_ATTENTION_SLOTS.positions] = tensorOf(rows.positions).address;
  slots[CACHED_ATTENTION_SLOTS.sequences] = tensorOf(rows.sequences).address;
  slots[CACHED_ATTENTION_SLOTS.rows] = rows.count;
  tape.operator(q.scope);
  if (rows.kind === 'prefill') {
    return tape.call(prefillAttention(spec), slots, prefillAttentionTiles(spec, rows.count));
  }
  tape.call(stepAttention(spec), slots, stepAttentionTiles(spec, rows.count));
}

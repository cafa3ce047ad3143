import {
  type CachedAttentionSpec,
  prefillAttention,
  prefillAttentionTiles,
} from '../../kernels/prefillAttention.js';
import { stepAttention, stepAttentionTiles } from '../../kernels/stepAttention.js';
import { windowAttention, windowAttentionTiles } from '../../kernels/windowAttention.js';
import type { Operators } from '../operators.js';
import { checkHeadDim, checkHeadGroup } from './checkShapes.js';
import { cacheOf, operandOf, tensorOf } from './compiledHandles.js';
import { ELEMENT_BYTES } from './compiledTensor.js';
import type { TapeRecorder } from './tapeRecorder.js';

type Args<Name extends keyof Operators> = Parameters<Operators[Name]>[0];

export function recordWindowAttention(tape: TapeRecorder, args: Args<'windowAttention'>): void {
  const [q, k, v, y] = [args.q, args.k, args.v, args.y].map((x) => operandOf(x, tape.operand)) as [
    Handle,
    Handle,
    Handle,
    Handle,
  ];
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
  const slots = { q: q.address, k: k.address, v: v.address, y: y.address, tokens: q.rowCount };
  tape.operator(q.scope);
  tape.call(windowAttention(spec), slots, windowAttentionTiles(spec, q.rowCount));
}

type Handle = ReturnType<typeof tensorOf>;

export function recordCachedAttention(tape: TapeRecorder, args: Args<'cachedAttention'>): void {
  const { layer, rows } = args;
  const q = operandOf(args.q, tape.operand);
  const y = operandOf(args.y, tape.operand);
  const cache = cacheOf(args.cache);
  const { kvHeads, headDim, capacity } = cache;
  checkHeadDim(q.label, headDim);
  checkHeadGroup(q.label, q.rowLength / headDim / kvHeads);
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
  const layerAddress = cache.layerAddresses[layer]!;
  const slots = {
    q: q.address,
    y: y.address,
    keys: layerAddress,
    values: layerAddress + cache.layerBytes / 2,
    positions: tensorOf(rows.positions).address,
    sequences: tensorOf(rows.sequences).address,
    rows: rows.count,
    lastPosition: cache.lastPosition,
    lastSequence: cache.sequences - 1,
  };
  tape.operator(q.scope);
  if (rows.kind === 'prefill') {
    return tape.call(prefillAttention(spec), slots, prefillAttentionTiles(spec, rows.count));
  }
  tape.call(stepAttention(spec), slots, stepAttentionTiles(spec, rows.count));
}

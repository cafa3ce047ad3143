import { type CachedAttentionSpec, prefillAttention } from '../../kernels/attention/prefillAttention.js';
import { stepAttention } from '../../kernels/attention/stepAttention.js';
import { windowAttention } from '../../kernels/attention/windowAttention.js';
import type { Operators } from '../operators.js';
import { checkHeadDim, checkHeadGroup } from './checkShapes.js';
import { type CompiledTensor, cacheOf, ELEMENT_BYTES, operandOf, tensorOf } from './compiledTensor.js';
import type { TapeRecorder } from './tapeRecorder.js';

type Args<Name extends keyof Operators> = Parameters<Operators[Name]>[0];

export function recordWindowAttention(tape: TapeRecorder, args: Args<'windowAttention'>): void {
  const [q, k, v, y] = [args.q, args.k, args.v, args.y].map((x) => operandOf(x, tape.operand)) as [
    CompiledTensor,
    CompiledTensor,
    CompiledTensor,
    CompiledTensor,
  ];
  const { heads, windowTokens } = args;
  checkHeadDim(q.label, q.rowLength / heads);
  const kernel = windowAttention({
    dtype: tape.operand,
    heads,
    headDim: q.rowLength / heads,
    windowTokens,
    qStrideBytes: q.rowBytes,
    kStrideBytes: k.rowBytes,
    vStrideBytes: v.rowBytes,
    yStrideBytes: y.rowBytes,
  });
  tape.useScope(q.scope);
  tape.run(kernel.call({ q, k, v, y, tokens: q.rowCount }));
}

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
  const { keys, values } = cache.layerMemory[layer]!;
  const kernel = rows.kind === 'prefill' ? prefillAttention(spec) : stepAttention(spec);
  tape.useScope(q.scope);
  tape.run(
    kernel.call({
      q,
      y,
      keys,
      values,
      positions: tensorOf(rows.positions),
      sequences: tensorOf(rows.sequences),
      rows: rows.count,
      lastPosition: cache.lastPosition,
      lastSequence: cache.sequences - 1,
    }),
  );
}

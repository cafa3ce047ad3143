import { type CachedAttentionSpec, prefillAttention } from '../../kernels/attention/prefillAttention.js';
import { stepAttention } from '../../kernels/attention/stepAttention.js';
import { windowAttention } from '../../kernels/attention/windowAttention.js';
import { embedRows } from '../../kernels/rows/embedRows.js';
import { layerNorm, type NormSpec, rmsNorm } from '../../kernels/rows/norms.js';
import { rotaryToCache } from '../../kernels/rows/rotaryToCache.js';
import type { OperatorArgs, Operators } from '../operators.js';
import { checkHeadDim, checkHeadGroup, checkRowLength } from './checkShapes.js';
import type { Probe } from './compiledPass.js';
import {
  type CompiledTensor,
  cacheOf,
  ELEMENT_BYTES,
  operandOf,
  tensorOf,
  weightOf,
} from './compiledTensor.js';
import { recordChunkMel, recordConv2dGelu, recordFlattenTime } from './recordConvStem.js';
import { recordLogMel } from './recordLogMel.js';
import { recordArgmaxLinear, recordLinear, recordSwiglu } from './recordProducts.js';
import type { TapeRecorder } from './tapeRecorder.js';

/** Operators that append kernel calls to a tape. @param probes where `probe` leaves its points; null: nobody looks */
export function recordOperators(tape: TapeRecorder, probes: Probe[] | null): Operators {
  return {
    logMel: (args) => recordLogMel(tape, args),
    chunkMel: (args) => recordChunkMel(tape, args),
    conv2dGelu: (args) => recordConv2dGelu(tape, args),
    flattenTime: (args) => recordFlattenTime(tape, args),
    linear: (args) => recordLinear(tape, args),
    swiglu: (args) => recordSwiglu(tape, args),
    layerNorm: (args) => recordLayerNorm(tape, args),
    rmsNorm: (args) => recordRmsNorm(tape, args),
    windowAttention: (args) => recordWindowAttention(tape, args),
    rotaryToCache: (args) => recordRotaryToCache(tape, args),
    cachedAttention: (args) => recordCachedAttention(tape, args),
    embed: (args) => recordEmbed(tape, args),
    argmaxLinear: (args) => recordArgmaxLinear(tape, args),
    probe: (stage, x) => {
      probes?.push({ stage, tensor: tensorOf(x), callCount: tape.calls.length });
    },
  };
}

/** Rows of a norm's tile: a few microseconds of work. */
const NORM_ROWS = 8;

function recordLayerNorm(tape: TapeRecorder, args: OperatorArgs<'layerNorm'>): void {
  const operands = normOperands(args);
  tape.useScope(operands.x.scope);
  tape.run(layerNorm(normSpec(args)).call({ ...operands, bias: weightOf(args.bias, 'vector') }));
}

function recordRmsNorm(tape: TapeRecorder, args: OperatorArgs<'rmsNorm'>): void {
  const operands = normOperands(args);
  tape.useScope(operands.x.scope);
  tape.run(rmsNorm(normSpec(args)).call(operands));
}

function normSpec(args: OperatorArgs<'rmsNorm'>): NormSpec {
  const [x, y] = [tensorOf(args.x), tensorOf(args.y)];
  checkRowLength(x.label, x.rowLength);
  const yDtype = y.element === 'bf16' ? 'bf16' : 'f32';
  return { length: x.rowLength, epsilon: args.epsilon, yDtype, rowsPerTile: NORM_ROWS };
}

function normOperands(args: OperatorArgs<'rmsNorm'>) {
  const x = tensorOf(args.x);
  return { x, y: tensorOf(args.y), weight: weightOf(args.weight, 'vector'), m: x.rowCount };
}

function recordEmbed(tape: TapeRecorder, args: OperatorArgs<'embed'>): void {
  const ids = tensorOf(args.ids);
  const table = weightOf(args.table, 'matrix');
  const y = tensorOf(args.y);
  const lastId = table.shape[0]! - 1;
  const kernel = embedRows({ length: y.rowLength, tableDtype: table.element });
  tape.useScope(y.scope);
  tape.run(kernel.call({ ids, table, y, lastId }));
}

function recordRotaryToCache(tape: TapeRecorder, args: OperatorArgs<'rotaryToCache'>): void {
  const cache = cacheOf(args.cache);
  const q = tensorOf(args.q);
  const cos = tensorOf(args.cos);
  const { kvHeads, headDim, capacity } = cache;
  checkHeadDim(q.label, headDim);
  const heads = q.rowLength / headDim;
  const dtype = cache.element === 'bf16' ? 'bf16' : 'f32';
  const kernel = rotaryToCache({ heads, kvHeads, headDim, capacity, epsilon: args.epsilon, dtype });
  tape.useScope(q.scope);
  tape.run(
    kernel.call({
      q,
      k: tensorOf(args.k),
      v: tensorOf(args.v),
      qNorm: weightOf(args.qNorm, 'vector'),
      kNorm: weightOf(args.kNorm, 'vector'),
      cos,
      sin: tensorOf(args.sin),
      positions: tensorOf(args.rows.positions),
      sequences: tensorOf(args.rows.sequences),
      y: operandOf(args.y, cache.element),
      ...cache.layerMemory[args.layer]!,
      lastPosition: Math.min(cos.rowCount - 1, cache.lastPosition),
      lastSequence: cache.sequences - 1,
    }),
  );
}

function recordWindowAttention(tape: TapeRecorder, args: OperatorArgs<'windowAttention'>): void {
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

function recordCachedAttention(tape: TapeRecorder, args: OperatorArgs<'cachedAttention'>): void {
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

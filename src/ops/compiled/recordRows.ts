import { embedRows } from '../../kernels/embedRows.js';
import type { KernelSpec } from '../../kernels/kernel.js';
import { layerNorm } from '../../kernels/layerNorm.js';
import { type NORM_SLOTS, type NormSpec, rmsNorm } from '../../kernels/rmsNorm.js';
import { rotaryToCache } from '../../kernels/rotaryToCache.js';
import type { Operators, Tensor, Weight } from '../operators.js';
import { checkHeadDim, checkRowLength } from './checkShapes.js';
import { cacheOf, operandOf, tensorOf, weightOf } from './compiledHandles.js';
import type { TapeRecorder } from './tapeRecorder.js';

type Args<Name extends keyof Operators> = Parameters<Operators[Name]>[0];

/** Rows of a norm's tile: a few microseconds of work. */
const NORM_ROWS = 8;

export function recordLayerNorm(tape: TapeRecorder, args: Args<'layerNorm'>): void {
  recordNorm(tape, layerNorm, args, args.bias);
}

export function recordRmsNorm(tape: TapeRecorder, args: Args<'rmsNorm'>): void {
  recordNorm(tape, rmsNorm, args, null);
}

function recordNorm(
  tape: TapeRecorder,
  kernel: (spec: NormSpec) => KernelSpec<keyof typeof NORM_SLOTS>,
  args: { x: Tensor; weight: Weight; epsilon: number; y: Tensor },
  bias: Weight | null,
): void {
  const x = tensorOf(args.x);
  const y = tensorOf(args.y);
  const slots = {
    x: x.address,
    y: y.address,
    weight: weightOf(args.weight, 'vector').address,
    bias: bias === null ? 0 : weightOf(bias, 'vector').address,
    m: x.rowCount,
  };
  checkRowLength(x.label, x.rowLength);
  const yDtype = y.element === 'bf16' ? 'bf16' : 'f32';
  const spec = { length: x.rowLength, epsilon: args.epsilon, yDtype, rowsPerTile: NORM_ROWS } as const;
  tape.operator(x.scope);
  tape.call(kernel(spec), slots, Math.ceil(x.rowCount / NORM_ROWS));
}

export function recordEmbed(tape: TapeRecorder, args: Args<'embed'>): void {
  const ids = tensorOf(args.ids);
  const table = weightOf(args.table, 'matrix');
  const y = tensorOf(args.y);
  const lastId = table.shape[0]! - 1;
  const slots = { ids: ids.address, table: table.address, y: y.address, lastId };
  tape.operator(y.scope);
  tape.call(embedRows({ length: y.rowLength, tableDtype: table.element }), slots, y.rowCount);
}

export function recordRotaryToCache(tape: TapeRecorder, args: Args<'rotaryToCache'>): void {
  const cache = cacheOf(args.cache);
  const q = tensorOf(args.q);
  const cos = tensorOf(args.cos);
  const layerAddress = cache.layerAddresses[args.layer]!;
  const slots = {
    q: q.address,
    k: tensorOf(args.k).address,
    v: tensorOf(args.v).address,
    qNorm: weightOf(args.qNorm, 'vector').address,
    kNorm: weightOf(args.kNorm, 'vector').address,
    cos: cos.address,
    sin: tensorOf(args.sin).address,
    positions: tensorOf(args.rows.positions).address,
    sequences: tensorOf(args.rows.sequences).address,
    y: operandOf(args.y, cache.element).address,
    keys: layerAddress,
    values: layerAddress + cache.layerBytes / 2,
    lastPosition: Math.min(cos.rowCount - 1, cache.lastPosition),
    lastSequence: cache.sequences - 1,
  };
  const { kvHeads, headDim, capacity } = cache;
  checkHeadDim(q.label, headDim);
  const heads = q.rowLength / headDim;
  const dtype = cache.element === 'bf16' ? 'bf16' : 'f32';
  const kernel = rotaryToCache({ heads, kvHeads, headDim, capacity, epsilon: args.epsilon, dtype });
  tape.operator(q.scope);
  tape.call(kernel, slots, args.rows.count);
}

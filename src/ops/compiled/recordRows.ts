import { EMBED_SLOTS, embedRows } from '../../kernels/embedRows.js';
import type { KernelSpec } from '../../kernels/kernel.js';
import { layerNorm } from '../../kernels/layerNorm.js';
import { NORM_SLOTS, type NormSpec, rmsNorm } from '../../kernels/rmsNorm.js';
import { ROTARY_SLOTS, rotaryToCache } from '../../kernels/rotaryToCache.js';
import type { Operators, Tensor, Weight } from '../operators.js';
import { cacheOf, compiledWeight, tensorOf } from './compiledHandles.js';
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
  kernel: (spec: NormSpec) => KernelSpec,
  args: { x: Tensor; weight: Weight; epsilon: number; y: Tensor },
  bias: Weight | null,
): void {
  const x = tensorOf(args.x);
  const y = tensorOf(args.y);
  const slots: number[] = [];
  slots[NORM_SLOTS.x] = x.address;
  slots[NORM_SLOTS.y] = y.address;
  slots[NORM_SLOTS.weight] = compiledWeight(args.weight).address;
  slots[NORM_SLOTS.bias] = bias === null ? 0 : compiledWeight(bias).address;
  slots[NORM_SLOTS.m] = x.rowCount;
  const yDtype = y.element === 'bf16' ? 'bf16' : 'f32';
  const spec = { length: x.rowLength, epsilon: args.epsilon, yDtype, rowsPerTile: NORM_ROWS } as const;
  tape.operator(x.scope);
  tape.call(kernel(spec), slots, Math.ceil(x.rowCount / NORM_ROWS));
}

export function recordEmbed(tape: TapeRecorder, args: Args<'embed'>): void {
  const ids = tensorOf(args.ids);
  const table = compiledWeight(args.table);
  const y = tensorOf(args.y);
  const slots: number[] = [];
  slots[EMBED_SLOTS.ids] = ids.address;
  slots[EMBED_SLOTS.table] = table.address;
  slots[EMBED_SLOTS.y] = y.address;
  tape.operator(y.scope);
  tape.call(embedRows({ length: y.rowLength, tableDtype: table.element }), slots, y.rowCount);
}

export function recordRotaryToCache(tape: TapeRecorder, args: Args<'rotaryToCache'>): void {
  const cache = cacheOf(args.cache);
  const q = tensorOf(args.q);
  const slots: number[] = [];
  slots[ROTARY_SLOTS.q] = q.address;
  slots[ROTARY_SLOTS.k] = tensorOf(args.k).address;
  slots[ROTARY_SLOTS.v] = tensorOf(args.v).address;
  slots[ROTARY_SLOTS.qNorm] = compiledWeight(args.qNorm).address;
  slots[ROTARY_SLOTS.kNorm] = compiledWeight(args.kNorm).address;
  slots[ROTARY_SLOTS.cos] = tensorOf(args.cos).address;
  slots[ROTARY_SLOTS.sin] = tensorOf(args.sin).address;
  slots[ROTARY_SLOTS.positions] = tensorOf(args.rows.positions).address;
  slots[ROTARY_SLOTS.sequences] = tensorOf(args.rows.sequences).address;
  slots[ROTARY_SLOTS.y] = tensorOf(args.y).address;
  slots[ROTARY_SLOTS.keys] = cache.layerAddresses[args.layer]!;
  slots[ROTARY_SLOTS.values] = cache.layerAddresses[args.layer]! + cache.layerBytes / 2;
  const { kvHeads, headDim, capacity } = cache;
  const heads = q.rowLength / headDim;
  const dtype = cache.element === 'bf16' ? 'bf16' : 'f32';
  const kernel = rotaryToCache({ heads, kvHeads, headDim, capacity, epsilon: args.epsilon, dtype });
  tape.operator(q.scope);
  tape.call(kernel, slots, args.rows.count);
}

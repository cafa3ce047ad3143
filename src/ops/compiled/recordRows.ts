import { embedRows } from '../../kernels/rows/embedRows.js';
import { layerNorm, type NormSpec, rmsNorm } from '../../kernels/rows/norms.js';
import { rotaryToCache } from '../../kernels/rows/rotaryToCache.js';
import type { Operators } from '../operators.js';
import { checkHeadDim, checkRowLength } from './checkShapes.js';
import { cacheOf, operandOf, tensorOf, weightOf } from './compiledTensor.js';
import type { TapeRecorder } from './tapeRecorder.js';

type Args<Name extends keyof Operators> = Parameters<Operators[Name]>[0];

/** Rows of a norm's tile: a few microseconds of work. */
const NORM_ROWS = 8;

export function recordLayerNorm(tape: TapeRecorder, args: Args<'layerNorm'>): void {
  const operands = normOperands(args);
  tape.useScope(operands.x.scope);
  tape.run(layerNorm(normSpec(args)).call({ ...operands, bias: weightOf(args.bias, 'vector') }));
}

export function recordRmsNorm(tape: TapeRecorder, args: Args<'rmsNorm'>): void {
  const operands = normOperands(args);
  tape.useScope(operands.x.scope);
  tape.run(rmsNorm(normSpec(args)).call(operands));
}

function normSpec(args: Args<'rmsNorm'>): NormSpec {
  const [x, y] = [tensorOf(args.x), tensorOf(args.y)];
  checkRowLength(x.label, x.rowLength);
  const yDtype = y.element === 'bf16' ? 'bf16' : 'f32';
  return { length: x.rowLength, epsilon: args.epsilon, yDtype, rowsPerTile: NORM_ROWS };
}

function normOperands(args: Args<'rmsNorm'>) {
  const x = tensorOf(args.x);
  return { x, y: tensorOf(args.y), weight: weightOf(args.weight, 'vector'), m: x.rowCount };
}

export function recordEmbed(tape: TapeRecorder, args: Args<'embed'>): void {
  const ids = tensorOf(args.ids);
  const table = weightOf(args.table, 'matrix');
  const y = tensorOf(args.y);
  const lastId = table.shape[0]! - 1;
  const kernel = embedRows({ length: y.rowLength, tableDtype: table.element });
  tape.useScope(y.scope);
  tape.run(kernel.call({ ids, table, y, lastId }));
}

export function recordRotaryToCache(tape: TapeRecorder, args: Args<'rotaryToCache'>): void {
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

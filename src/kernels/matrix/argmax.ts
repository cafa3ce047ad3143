import type { KernelBuilder } from '../../jit/builder.js';
import type { IntReg, VecReg } from '../../jit/ir.js';
import { type ArgumentUses, defineKernel, type Kernel, type KernelParams } from '../kernel.js';
import { emitExp, emitLn } from '../vectorMath.js';
import { productStrideBytes } from './blockColumns.js';
import { emitColumns, firstColumn, type MatvecSpec, matvecName } from './matvec.js';

/** What a tile finds out about its logits: [best, its column as f32, Σ exp(logit − best), unused], one a tile and row. */
export const PARTIAL_BYTES = 16;

/** Stands for −∞ where a lane is not a candidate; far below any logit, and finite so that differences are. */
const NEVER = -3e38;

/** x [rows, depth], weight [n, depth], partials [tiles, rows]. */
const ARGMAX_STREAM_ARGUMENTS = {
  x: 'reads',
  weight: 'reads',
  partials: 'writes',
} as const satisfies ArgumentUses;

/** `tiles` of partials; ids [rows] i32, best and logSumExp [rows] f32. */
const ARGMAX_REDUCE_ARGUMENTS = {
  partials: 'reads',
  tiles: 'number',
  ids: 'writes',
  best: 'writes',
  logSumExp: 'writes',
} as const satisfies ArgumentUses;

/**
 * The greedy choice folded into the product with lm_head, so that logits never reach memory: each tile of logits is
 * reduced to a partial in scratch's wake; `argmaxReduce` joins the partials. Columns are counted in f32, exact below
 * 2^24.
 */
export function argmaxStream(spec: MatvecSpec): Kernel<typeof ARGMAX_STREAM_ARGUMENTS> {
  return defineKernel({
    name: `argmaxStream.${matvecName(spec)}`,
    args: ARGMAX_STREAM_ARGUMENTS,
    tiles: () => Math.ceil(spec.n / spec.columnsPerTile),
    emit: (k, params) => emitStream(k, spec, params),
  });
}

function emitStream(
  k: KernelBuilder,
  spec: MatvecSpec,
  { args, tile, scratch }: KernelParams<typeof ARGMAX_STREAM_ARGUMENTS>,
): void {
  const column = firstColumn(k, spec, tile);
  const cOffset = emitColumns(k, spec, { ...args, column, c: scratch, cOffsetBytes: 0 });
  const y = args.partials();
  k.advance(y, k.intOp('mul', tile, spec.rows * PARTIAL_BYTES));
  // The last tile overlaps the one before: its first columns belong to that one.
  const own = k.intOp('mul', tile, spec.columnsPerTile);
  const firstOwn = k.unary('fromI32', k.broadcastInt(own));
  const start = k.unary('fromI32', k.broadcastInt(column));
  const c = k.int();
  k.intMove(c, scratch);
  if (cOffset !== null) k.advance(c, cOffset);
  k.loop(spec.rows, () => {
    emitPartial(k, spec.columnsPerTile, c, start, firstOwn, y);
    k.advance(c, productStrideBytes(spec));
    k.advance(y, PARTIAL_BYTES);
  });
}

function emitPartial(
  k: KernelBuilder,
  columns: number,
  c: IntReg,
  start: VecReg,
  firstOwn: VecReg,
  y: IntReg,
): void {
  const never = k.vecConst(NEVER);
  const best = k.vecConst(NEVER);
  const bestColumn = k.vecConst(0);
  const poison = k.vecConst(0); // NaN as soon as a logit is not finite
  const lane = k.vecConst(Array.from({ length: k.lanes }, (_, i) => i));
  const columnOf = k.add(lane, start, lane);
  const offset = k.intConst(0);
  k.while('lt', offset, 4 * columns, () => {
    const logit = k.load(k.at(c, 0, offset));
    k.fma(poison, logit, k.at(c, 0, offset));
    k.select('ge', columnOf, firstOwn, logit, never, logit);
    k.store(k.at(c, 0, offset), logit);
    k.select('gt', logit, best, columnOf, bestColumn, bestColumn);
    k.max(logit, best, best);
    k.add(columnOf, k.vecConst(k.lanes), columnOf);
    k.advance(offset, 4 * k.lanes);
  });
  const winner = k.reduce('max', best);
  const negated = k.sub(k.vecConst(0), bestColumn);
  const lowest = k.reduce('max', k.select('eq', best, winner, negated, never));
  const sum = k.vecConst(0);
  k.intConst(0, offset);
  k.while('lt', offset, 4 * columns, () => {
    const shifted = k.sub(k.load(k.at(c, 0, offset)), winner);
    const masked = k.select('gt', shifted, k.vecConst(-80), emitExp(k, copy(k, shifted)), k.vecConst(0));
    k.add(sum, masked, sum);
    k.advance(offset, 4 * k.lanes);
  });
  const zeroOrNan = k.mul(k.reduce('add', poison), k.vecConst(0));
  k.storeLow(k.at(y), k.add(winner, zeroOrNan), 1);
  k.storeLow(k.at(y, 4), k.sub(k.vecConst(0), lowest), 1);
  k.storeLow(k.at(y, 8), k.reduce('add', sum), 1);
}

function copy(k: KernelBuilder, a: VecReg): VecReg {
  return k.vecMove(k.vec(), a);
}

/** Joins the partials of `rows` rows: ids i32, best f32 (NaN when any logit was not finite), logSumExp f32. One tile. */
export function argmaxReduce({ rows }: { readonly rows: number }): Kernel<typeof ARGMAX_REDUCE_ARGUMENTS> {
  return defineKernel({
    name: `argmaxReduce.r${rows}`,
    args: ARGMAX_REDUCE_ARGUMENTS,
    tiles: () => 1,
    emit: (k, params) => emitReduce(k, rows, params),
  });
}

function emitReduce(
  k: KernelBuilder,
  rows: number,
  { args }: KernelParams<typeof ARGMAX_REDUCE_ARGUMENTS>,
): void {
  const tiles = args.tiles();
  const ids = args.ids();
  const bests = args.best();
  const logSumExps = args.logSumExp();
  const first = args.partials();
  k.loop(rows, () => {
    const best = k.vecConst(NEVER);
    const column = k.vecConst(0);
    const poison = k.vecConst(0);
    const at = k.int();
    k.intMove(at, first);
    k.loop(tiles, () => {
      const value = k.broadcast(k.at(at));
      k.fma(poison, value, k.vecConst(0));
      k.select('gt', value, best, k.broadcast(k.at(at, 4)), column, column);
      k.max(value, best, best);
      k.advance(at, rows * PARTIAL_BYTES);
    });
    const sum = k.vecConst(0);
    k.intMove(at, first);
    k.loop(tiles, () => {
      const scale = emitExp(k, k.sub(k.broadcast(k.at(at)), best));
      k.fma(sum, scale, k.broadcast(k.at(at, 8)));
      k.advance(at, rows * PARTIAL_BYTES);
    });
    k.storeLow(k.at(ids), k.unary('toI32', column), 1);
    k.add(best, poison, best);
    k.storeLow(k.at(bests), best, 1);
    k.storeLow(k.at(logSumExps), k.add(emitLn(k, sum), best), 1);
    for (const output of [ids, bests, logSumExps]) k.advance(output, 4);
    k.advance(first, PARTIAL_BYTES);
  });
}

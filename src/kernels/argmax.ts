import { KernelBuilder } from '../jit/builder.js';
import type { Capabilities, IntReg, KernelCode, VecReg } from '../jit/ir.js';
import { type KernelSpec, kernelParams, loadSlot } from './kernel.js';
import { MATMUL_SLOTS } from './matmulSlots.js';
import { emitColumns, firstColumn, type MatvecSpec, matvecName } from './matvec.js';
import { emitExp, emitLn } from './vectorMath.js';

/** What a tile finds out about its logits: [best, its column as f32, Σ exp(logit − best), unused], one a tile and row. */
export const PARTIAL_BYTES = 16;

/** Stands for −∞ where a lane is not a candidate; far below any logit, and finite so that differences are. */
const NEVER = -3e38;

/** Slots of `argmaxReduce`. */
export const ARGMAX_REDUCE_SLOTS = { partials: 0, tiles: 1, ids: 2, best: 3, logSumExp: 4 } as const;

/**
 * The greedy choice folded into the product with lm_head, so that logits never reach memory: each tile of logits is
 * reduced to a partial in scratch's wake; `argmaxReduce` joins the partials. Slots are those of `matmul`, with y the
 * partials [tiles, rows]. Columns are counted in f32, exact below 2^24.
 */
export function argmaxStream(spec: MatvecSpec): KernelSpec<keyof typeof MATMUL_SLOTS> {
  return {
    name: `argmaxStream.${matvecName(spec)}`,
    slots: MATMUL_SLOTS,
    emit: (capabilities) => emitStream(spec, capabilities),
  };
}

function emitStream(spec: MatvecSpec, capabilities: Capabilities): KernelCode {
  const k = new KernelBuilder('argmaxStream', capabilities);
  const params = kernelParams(k);
  const column = firstColumn(k, spec, params.tile);
  emitColumns(k, spec, params, MATMUL_SLOTS.weight, column, 0);
  const y = loadSlot(k, params, MATMUL_SLOTS.y);
  k.advance(y, k.intOp('mul', params.tile, spec.rows * PARTIAL_BYTES));
  // The last tile overlaps the one before: its first columns belong to that one.
  const own = k.intOp('mul', params.tile, spec.columnsPerTile);
  const firstOwn = k.unary('fromI32', k.broadcastInt(own));
  const start = k.unary('fromI32', k.broadcastInt(column));
  const c = k.int();
  k.intMove(c, params.scratch);
  k.loop(spec.rows, () => {
    emitPartial(k, spec.columnsPerTile, c, start, firstOwn, y);
    k.advance(c, spec.columnsPerTile * 4);
    k.advance(y, PARTIAL_BYTES);
  });
  return k.finish();
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
export function argmaxReduce(spec: { readonly rows: number }): KernelSpec<keyof typeof ARGMAX_REDUCE_SLOTS> {
  return {
    name: `argmaxReduce.r${spec.rows}`,
    slots: ARGMAX_REDUCE_SLOTS,
    emit: (capabilities) => emitReduce(spec.rows, capabilities),
  };
}

function emitReduce(rows: number, capabilities: Capabilities): KernelCode {
  const k = new KernelBuilder('argmaxReduce', capabilities);
  const params = kernelParams(k);
  const tiles = loadSlot(k, params, ARGMAX_REDUCE_SLOTS.tiles);
  const ids = loadSlot(k, params, ARGMAX_REDUCE_SLOTS.ids);
  const bests = loadSlot(k, params, ARGMAX_REDUCE_SLOTS.best);
  const logSumExps = loadSlot(k, params, ARGMAX_REDUCE_SLOTS.logSumExp);
  const first = loadSlot(k, params, ARGMAX_REDUCE_SLOTS.partials);
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
  return k.finish();
}

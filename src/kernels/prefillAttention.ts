import { KernelBuilder } from '../jit/builder.js';
import type { Capabilities, IntReg, KernelCode } from '../jit/ir.js';
import { emitAttention } from './attentionBlock.js';
import { ATTENTION_ROWS, AttentionTile } from './attentionTile.js';
import { boundIndex, type KernelParams, type KernelSpec, kernelParams, loadSlot } from './kernel.js';
import type { OperandDtype } from './tilePolicy.js';

/** What attention over the key/value cache is specialised on; rows, positions and all pointers come at run time. */
export interface CachedAttentionSpec {
  /** Element type of q, y and the cache: `bf16` needs `pairDot`. */
  readonly dtype: OperandDtype;
  readonly heads: number;
  /** Divides heads: query head h reads key/value head ⌊h / (heads / kvHeads)⌋. */
  readonly kvHeads: number;
  /** A multiple of 32. */
  readonly headDim: number;
  /** Positions a sequence can hold; keys and values of one sequence are [kvHeads, capacity, headDim]. */
  readonly capacity: number;
  /** Distance between the keys (and between the values) of two sequences. */
  readonly sequenceStrideBytes: number;
  /** Distances between rows; head h starts h·headDim elements into each. */
  readonly qStrideBytes: number;
  readonly yStrideBytes: number;
}

/** Argument structure of attention over the cache, in 8-byte slots. */
export const CACHED_ATTENTION_SLOTS = {
  q: 0,
  y: 1,
  /** Keys of the layer: those of sequence 0. */
  keys: 2,
  values: 3,
  /** [rows] i32. */
  positions: 4,
  /** [rows] i32. */
  sequences: 5,
  /** Number of rows; prefillAttention only. */
  rows: 6,
  /** The last position and the last sequence of the cache. */
  lastPosition: 7,
  lastSequence: 8,
} as const;

/** How many tiles there are: one for every query head and every ATTENTION_ROWS rows. */
export function prefillAttentionTiles(spec: Pick<CachedAttentionSpec, 'heads'>, rows: number): number {
  return spec.heads * Math.ceil(rows / ATTENTION_ROWS);
}

/**
 * Causal grouped-query attention of rows at consecutive positions of one sequence over its cache:
 * y = softmax(q·Kᵀ/√headDim)·V, row i seeing the keys 0 … positions[0] + i (q, y [rows, heads·headDim]). A position or
 * sequence outside the cache counts as the nearest at which all rows fit.
 * Tiles: ATTENTION_ROWS rows of one query head; the last rows, which see most keys, come first, heads run fastest.
 *
 * Error, against exact arithmetic on the same operands: with s the largest Σ|q·k|/√headDim of the row,
 * |error of y| ≤ (2·(headDim + 16)·s·2⁻²⁴ + (keys + 24)·2⁻²³)·Σ weight·|v|, in bf16 plus 2⁻⁸·(Σ weight·|v| + |y|)
 * because the weights are rounded, then the rounding of y to its type. NaN in what a row sees makes its y NaN.
 */
export function prefillAttention(spec: CachedAttentionSpec): KernelSpec<keyof typeof CACHED_ATTENTION_SLOTS> {
  return {
    name: `prefillAttention.${cachedAttentionName(spec)}`,
    slots: CACHED_ATTENTION_SLOTS,
    emit: (capabilities) => emit(spec, capabilities),
  };
}

/** The part of a kernel's name that tells specialisations apart. */
export function cachedAttentionName(spec: CachedAttentionSpec): string {
  const shape = `${spec.heads}-${spec.kvHeads}x${spec.headDim}c${spec.capacity}`;
  return `${spec.dtype}.${shape}.s${spec.qStrideBytes}.${spec.sequenceStrideBytes}.${spec.yStrideBytes}`;
}

function emit(spec: CachedAttentionSpec, capabilities: Capabilities): KernelCode {
  const k = new KernelBuilder('prefillAttention', capabilities);
  const params = kernelParams(k);
  const elementBytes = spec.dtype === 'bf16' ? 2 : 4;
  const rowBytes = spec.headDim * elementBytes;
  const tile = new AttentionTile(
    k,
    {
      dtype: spec.dtype,
      headDim: spec.headDim,
      isCausal: true,
      qStrideBytes: spec.qStrideBytes,
      keyStrideBytes: rowBytes,
      valueStrideBytes: rowBytes,
      yStrideBytes: spec.yStrideBytes,
    },
    params,
  );
  const head = k.intOp('remainder', params.tile, spec.heads);
  const row = firstRow(k, spec, params);
  const rows = k.intOp('sub', loadSlot(k, params, CACHED_ATTENTION_SLOTS.rows), row);
  k.intOp('min', rows, ATTENTION_ROWS, rows);
  tile.rows.set(rows);

  const position = k.intLoad(k.at(loadSlot(k, params, CACHED_ATTENTION_SLOTS.positions)), 'i32');
  const lastPosition = loadSlot(k, params, CACHED_ATTENTION_SLOTS.lastPosition);
  k.intOp('sub', lastPosition, loadSlot(k, params, CACHED_ATTENTION_SLOTS.rows), lastPosition);
  boundIndex(k, position, k.intOp('add', lastPosition, 1, lastPosition));
  k.advance(position, row);
  tile.diagonal.set(position);
  tile.keysLeft.set(k.intOp('add', position, rows, position));

  for (const { variable, slot, strideBytes } of [
    { variable: tile.q, slot: CACHED_ATTENTION_SLOTS.q, strideBytes: spec.qStrideBytes },
    { variable: tile.y, slot: CACHED_ATTENTION_SLOTS.y, strideBytes: spec.yStrideBytes },
  ]) {
    const address = k.intOp('mul', row, strideBytes);
    k.advance(address, k.intOp('mul', head, rowBytes));
    k.advance(address, loadSlot(k, params, slot));
    variable.set(address);
  }
  const inCache = k.intLoad(k.at(loadSlot(k, params, CACHED_ATTENTION_SLOTS.sequences)), 'i32');
  boundIndex(k, inCache, loadSlot(k, params, CACHED_ATTENTION_SLOTS.lastSequence));
  k.intOp('mul', inCache, spec.sequenceStrideBytes, inCache);
  k.intOp('divide', head, spec.heads / spec.kvHeads, head);
  k.advance(inCache, k.intOp('mul', head, spec.capacity * rowBytes));
  tile.keys.set(k.intOp('add', loadSlot(k, params, CACHED_ATTENTION_SLOTS.keys), inCache));
  tile.values.set(k.intOp('add', loadSlot(k, params, CACHED_ATTENTION_SLOTS.values), inCache));
  emitAttention(tile);
  return k.finish();
}

/** First row of the tile: the last blocks of rows come first. */
function firstRow(k: KernelBuilder, spec: CachedAttentionSpec, params: KernelParams): IntReg {
  const block = k.intOp('add', loadSlot(k, params, CACHED_ATTENTION_SLOTS.rows), ATTENTION_ROWS - 1);
  k.intOp('divide', block, ATTENTION_ROWS, block);
  k.advance(block, -1);
  k.intOp('sub', block, k.intOp('divide', params.tile, spec.heads), block);
  return k.intOp('mul', block, ATTENTION_ROWS, block);
}

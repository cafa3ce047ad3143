import type { KernelBuilder } from '../../jit/builder.js';
import type { IntReg } from '../../jit/ir.js';
import { type ArgumentUses, boundIndex, defineKernel, type Kernel, type KernelParams } from '../kernel.js';
import { OPERAND_BYTES, type OperandDtype } from '../matrix/productPolicy.js';
import { emitAttention } from './attention.js';
import { ATTENTION_ROWS, AttentionTile } from './attentionTile.js';

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

/** Arguments of attention over the cache. */
export const CACHED_ATTENTION_ARGUMENTS = {
  q: 'reads',
  y: 'writes',
  /** Keys of the layer: those of sequence 0. */
  keys: 'reads',
  values: 'reads',
  /** [rows] i32. */
  positions: 'reads',
  /** [rows] i32. */
  sequences: 'reads',
  rows: 'number',
  /** The last position and the last sequence of the cache. */
  lastPosition: 'number',
  lastSequence: 'number',
} as const satisfies ArgumentUses;

type Params = KernelParams<typeof CACHED_ATTENTION_ARGUMENTS>;

/**
 * Causal grouped-query attention of rows at consecutive positions of one sequence over its cache:
 * y = softmax(q·Kᵀ/√headDim)·V, row i seeing the keys 0 … positions[0] + i (q, y [rows, heads·headDim]). A position or
 * sequence outside the cache counts as the nearest at which all rows fit.
 * Tiles: ATTENTION_ROWS rows of one query head; the last rows, which see most keys, come first, heads run fastest.
 *
 * Error, against exact arithmetic on the same operands: with s the largest Σ|q·k|/√headDim of the row,
 * |error of y| ≤ (2·(headDim + 16)·s·2⁻²⁴ + (keys + 24)·2⁻²³)·Σ weight·|v|, in bf16 plus 2⁻⁸·(Σ weight·|v| + |y|)
 * because the weights are rounded (not where pairs are widened), then the rounding of y to its type. NaN in what a row sees makes its y NaN.
 */
export function prefillAttention(spec: CachedAttentionSpec): Kernel<typeof CACHED_ATTENTION_ARGUMENTS> {
  return defineKernel({
    name: `prefillAttention.${cachedAttentionName(spec)}`,
    args: CACHED_ATTENTION_ARGUMENTS,
    tiles: ({ rows }) => spec.heads * Math.ceil(rows / ATTENTION_ROWS),
    emit: (k, params) => emit(k, spec, params),
  });
}

/** The part of a kernel's name that tells specialisations apart. */
export function cachedAttentionName(spec: CachedAttentionSpec): string {
  const shape = `${spec.heads}-${spec.kvHeads}x${spec.headDim}c${spec.capacity}`;
  return `${spec.dtype}.${shape}.s${spec.qStrideBytes}.${spec.sequenceStrideBytes}.${spec.yStrideBytes}`;
}

function emit(k: KernelBuilder, spec: CachedAttentionSpec, params: Params): void {
  const { args } = params;
  const elementBytes = OPERAND_BYTES[spec.dtype];
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
    params.scratch,
  );
  const head = k.intOp('remainder', params.tile, spec.heads);
  const row = firstRow(k, spec, params);
  const rows = k.intOp('sub', args.rows(), row);
  k.intOp('min', rows, ATTENTION_ROWS, rows);
  tile.rows.set(rows);

  const position = k.intLoad(k.at(args.positions()), 'i32');
  const lastPosition = args.lastPosition();
  k.intOp('sub', lastPosition, args.rows(), lastPosition);
  boundIndex(k, position, k.intOp('add', lastPosition, 1, lastPosition));
  k.advance(position, row);
  tile.diagonal.set(position);
  tile.keysLeft.set(k.intOp('add', position, rows, position));

  for (const { variable, load, strideBytes } of [
    { variable: tile.q, load: args.q, strideBytes: spec.qStrideBytes },
    { variable: tile.y, load: args.y, strideBytes: spec.yStrideBytes },
  ]) {
    const address = k.intOp('mul', row, strideBytes);
    k.advance(address, k.intOp('mul', head, rowBytes));
    k.advance(address, load());
    variable.set(address);
  }
  const inCache = k.intLoad(k.at(args.sequences()), 'i32');
  boundIndex(k, inCache, args.lastSequence());
  k.intOp('mul', inCache, spec.sequenceStrideBytes, inCache);
  k.intOp('divide', head, spec.heads / spec.kvHeads, head);
  k.advance(inCache, k.intOp('mul', head, spec.capacity * rowBytes));
  tile.keys.set(k.intOp('add', args.keys(), inCache));
  tile.values.set(k.intOp('add', args.values(), inCache));
  emitAttention(tile);
}

/** First row of the tile: the last blocks of rows come first. */
function firstRow(k: KernelBuilder, spec: CachedAttentionSpec, { args, tile }: Params): IntReg {
  const block = k.intOp('add', args.rows(), ATTENTION_ROWS - 1);
  k.intOp('divide', block, ATTENTION_ROWS, block);
  k.advance(block, -1);
  k.intOp('sub', block, k.intOp('divide', tile, spec.heads), block);
  return k.intOp('mul', block, ATTENTION_ROWS, block);
}

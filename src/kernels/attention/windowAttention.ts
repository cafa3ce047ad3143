import type { KernelBuilder } from '../../jit/builder.js';
import { type ArgumentUses, defineKernel, type Kernel, type KernelParams } from '../kernel.js';
import type { OperandDtype } from '../matrix/productPolicy.js';
import { emitAttention } from './attention.js';
import { ATTENTION_ROWS, AttentionTile } from './attentionTile.js';

/** What windowed attention is specialised on; the number of tokens and all pointers come at run time. */
export interface WindowAttentionSpec {
  /** Element type of q, k, v and y: `bf16` needs `pairDot`. */
  readonly dtype: OperandDtype;
  readonly heads: number;
  /** A multiple of 32. */
  readonly headDim: number;
  /** Rows of a window. */
  readonly windowTokens: number;
  /** Distances between rows; head h starts h·headDim elements into each. */
  readonly qStrideBytes: number;
  readonly kStrideBytes: number;
  readonly vStrideBytes: number;
  readonly yStrideBytes: number;
}

const WINDOW_ATTENTION_ARGUMENTS = {
  q: 'reads',
  k: 'reads',
  v: 'reads',
  y: 'writes',
  /** Number of rows. */
  tokens: 'number',
} as const satisfies ArgumentUses;

/** One tile for every head and every ATTENTION_ROWS rows of a window. */
function tileCount(spec: WindowAttentionSpec, tokens: number): number {
  const rest = tokens % spec.windowTokens;
  const fullWindows = (tokens - rest) / spec.windowTokens;
  const blocks = fullWindows * blocksPerWindow(spec) + Math.ceil(rest / ATTENTION_ROWS);
  return spec.heads * blocks;
}

/**
 * y = softmax(q·kᵀ/√headDim)·v inside windows of `windowTokens` rows, each row of a window seeing all of it
 * (q, k, v, y [tokens, heads·headDim]). Tiles: ATTENTION_ROWS rows of one window and head, heads running fastest.
 *
 * Error, against exact arithmetic on the same operands: with s the largest Σ|q·k|/√headDim of the row,
 * |error of y| ≤ (2·(headDim + 16)·s·2⁻²⁴ + (keys + 24)·2⁻²³)·Σ weight·|v|, in bf16 plus 2⁻⁸·(Σ weight·|v| + |y|)
 * because the weights are rounded (not where pairs are widened), then the rounding of y to its type. NaN in what a row sees makes its y NaN.
 */
export function windowAttention(spec: WindowAttentionSpec): Kernel<typeof WINDOW_ATTENTION_ARGUMENTS> {
  const { dtype, heads, headDim, windowTokens } = spec;
  const strides = [spec.qStrideBytes, spec.kStrideBytes, spec.vStrideBytes, spec.yStrideBytes].join('.');
  return defineKernel({
    name: `windowAttention.${dtype}.${heads}x${headDim}.w${windowTokens}.s${strides}`,
    args: WINDOW_ATTENTION_ARGUMENTS,
    tiles: ({ tokens }) => tileCount(spec, tokens),
    emit: (k, params) => emit(k, spec, params),
  });
}

function emit(
  k: KernelBuilder,
  spec: WindowAttentionSpec,
  { args, tile: index, scratch }: KernelParams<typeof WINDOW_ATTENTION_ARGUMENTS>,
): void {
  const tile = new AttentionTile(
    k,
    {
      dtype: spec.dtype,
      headDim: spec.headDim,
      isCausal: false,
      qStrideBytes: spec.qStrideBytes,
      keyStrideBytes: spec.kStrideBytes,
      valueStrideBytes: spec.vStrideBytes,
      yStrideBytes: spec.yStrideBytes,
    },
    scratch,
  );
  const block = k.intOp('divide', index, spec.heads);
  const headBytes = k.intOp('remainder', index, spec.heads);
  k.intOp('mul', headBytes, spec.headDim * tile.policy.aBytes, headBytes);
  const first = k.intOp('divide', block, blocksPerWindow(spec)); // first row of the window
  k.intOp('mul', first, spec.windowTokens, first);
  const size = k.intOp('sub', args.tokens(), first);
  k.intOp('min', size, spec.windowTokens, size); // rows of the window
  const row = k.intOp('remainder', block, blocksPerWindow(spec)); // first row of the tile, in the window
  k.intOp('mul', row, ATTENTION_ROWS, row);
  const rows = k.intOp('sub', size, row);
  tile.rows.set(k.intOp('min', rows, ATTENTION_ROWS, rows));
  tile.keysLeft.set(size);
  k.advance(row, first);
  for (const { variable, load, from, strideBytes } of [
    { variable: tile.q, load: args.q, from: row, strideBytes: spec.qStrideBytes },
    { variable: tile.y, load: args.y, from: row, strideBytes: spec.yStrideBytes },
    { variable: tile.keys, load: args.k, from: first, strideBytes: spec.kStrideBytes },
    { variable: tile.values, load: args.v, from: first, strideBytes: spec.vStrideBytes },
  ]) {
    const address = k.intOp('mul', from, strideBytes);
    k.advance(address, headBytes);
    k.advance(address, load());
    variable.set(address);
  }
  emitAttention(tile);
}

function blocksPerWindow(spec: WindowAttentionSpec): number {
  return Math.ceil(spec.windowTokens / ATTENTION_ROWS);
}

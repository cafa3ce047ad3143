import { KernelBuilder } from '../jit/builder.js';
import type { Capabilities, KernelCode } from '../jit/ir.js';
import { emitAttention } from './attentionBlock.js';
import { ATTENTION_ROWS, AttentionTile } from './attentionTile.js';
import { type KernelSpec, kernelParams, loadSlot } from './kernel.js';
import type { OperandDtype } from './tilePolicy.js';

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

/** Argument structure, in 8-byte slots. */
export const WINDOW_ATTENTION_SLOTS = {
  q: 0,
  k: 1,
  v: 2,
  y: 3,
  /** Number of rows. */
  tokens: 4,
} as const;

/** How many tiles there are: one for every head and every ATTENTION_ROWS rows of a window. */
export function windowAttentionTiles(
  spec: Pick<WindowAttentionSpec, 'heads' | 'windowTokens'>,
  tokens: number,
): number {
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
 * because the weights are rounded, then the rounding of y to its type. NaN in what a row sees makes its y NaN.
 */
export function windowAttention(spec: WindowAttentionSpec): KernelSpec<keyof typeof WINDOW_ATTENTION_SLOTS> {
  const { dtype, heads, headDim, windowTokens } = spec;
  const strides = [spec.qStrideBytes, spec.kStrideBytes, spec.vStrideBytes, spec.yStrideBytes].join('.');
  return {
    name: `windowAttention.${dtype}.${heads}x${headDim}.w${windowTokens}.s${strides}`,
    slots: WINDOW_ATTENTION_SLOTS,
    emit: (capabilities) => emit(spec, capabilities),
  };
}

function emit(spec: WindowAttentionSpec, capabilities: Capabilities): KernelCode {
  const k = new KernelBuilder('windowAttention', capabilities);
  const params = kernelParams(k);
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
    params,
  );
  const block = k.intOp('divide', params.tile, spec.heads);
  const headBytes = k.intOp('remainder', params.tile, spec.heads);
  k.intOp('mul', headBytes, spec.headDim * tile.policy.bBytes, headBytes);
  const first = k.intOp('divide', block, blocksPerWindow(spec)); // first row of the window
  k.intOp('mul', first, spec.windowTokens, first);
  const size = k.intOp('sub', loadSlot(k, params, WINDOW_ATTENTION_SLOTS.tokens), first);
  k.intOp('min', size, spec.windowTokens, size); // rows of the window
  const row = k.intOp('remainder', block, blocksPerWindow(spec)); // first row of the tile, in the window
  k.intOp('mul', row, ATTENTION_ROWS, row);
  const rows = k.intOp('sub', size, row);
  tile.rows.set(k.intOp('min', rows, ATTENTION_ROWS, rows));
  tile.keysLeft.set(size);
  k.advance(row, first);
  const { q, k: keys, v, y } = WINDOW_ATTENTION_SLOTS;
  for (const { variable, slot, from, strideBytes } of [
    { variable: tile.q, slot: q, from: row, strideBytes: spec.qStrideBytes },
    { variable: tile.y, slot: y, from: row, strideBytes: spec.yStrideBytes },
    { variable: tile.keys, slot: keys, from: first, strideBytes: spec.kStrideBytes },
    { variable: tile.values, slot: v, from: first, strideBytes: spec.vStrideBytes },
  ]) {
    const address = k.intOp('mul', from, strideBytes);
    k.advance(address, headBytes);
    k.advance(address, loadSlot(k, params, slot));
    variable.set(address);
  }
  emitAttention(tile);
  return k.finish();
}

function blocksPerWindow(spec: Pick<WindowAttentionSpec, 'windowTokens'>): number {
  return Math.ceil(spec.windowTokens / ATTENTION_ROWS);
}

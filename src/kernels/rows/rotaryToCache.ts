import type { KernelBuilder } from '../../jit/builder.js';
import type { Address, IntReg } from '../../jit/ir.js';
import { type ArgumentUses, boundIndex, defineKernel, type Kernel, type KernelParams } from '../kernel.js';
import { OPERAND_BYTES, type OperandDtype } from '../matrix/productPolicy.js';
import { emitRmsScale } from './norms.js';

export interface RotarySpec {
  readonly heads: number;
  readonly kvHeads: number;
  /** A multiple of 32: half a head is whole vectors on every target. */
  readonly headDim: number;
  /** Positions that a sequence of the cache holds. */
  readonly capacity: number;
  readonly epsilon: number;
  /** Of y and of the cache. */
  readonly dtype: OperandDtype;
}

/** keys and values: the layer's, each [sequences, kvHeads, capacity, headDim]. */
const ROTARY_ARGUMENTS = {
  q: 'reads',
  k: 'reads',
  v: 'reads',
  qNorm: 'reads',
  kNorm: 'reads',
  cos: 'reads',
  sin: 'reads',
  positions: 'reads',
  sequences: 'reads',
  y: 'writes',
  keys: 'writes',
  values: 'writes',
  /** The last position that cos, sin and the cache all have, and the cache's last sequence. */
  lastPosition: 'number',
  lastSequence: 'number',
} as const satisfies ArgumentUses;

type Params = KernelParams<typeof ROTARY_ARGUMENTS>;

/**
 * Per-head RMSNorm of q and k, split-half RoPE, and the cache write; one tile a row:
 *
 *   q [rows, heads·headDim] f32   → rotate(norm(q))  → y, same place, operand
 *   k [rows, kvHeads·headDim] f32 → rotate(norm(k))  → keys[sequence, head, position]
 *   v [rows, kvHeads·headDim] f32 →                  → values[sequence, head, position]
 *
 * A position or sequence outside 0 … last counts as the nearest.
 * rotate: [a, b] → [a·cos − b·sin, b·cos + a·sin] on the two halves of a head.
 * Error: (headDim/lanes + 16)·2⁻²⁴ of |a| + |b| after the norm, and the rounding of the result.
 */
export function rotaryToCache(spec: RotarySpec): Kernel<typeof ROTARY_ARGUMENTS> {
  const { heads, kvHeads, headDim, capacity, epsilon, dtype } = spec;
  return defineKernel({
    name: `rotaryToCache.${heads}.${kvHeads}.${headDim}.c${capacity}.${epsilon}.${dtype}`,
    args: ROTARY_ARGUMENTS,
    tiles: ({ positions }) => positions.byteLength / 4,
    emit: (k, params) => emit(k, spec, params),
  });
}

function emit(k: KernelBuilder, spec: RotarySpec, { args, tile }: Params): void {
  const { heads, kvHeads, headDim, capacity } = spec;
  const bytes = OPERAND_BYTES[spec.dtype];
  const position = rowIndex(k, tile, args.positions, args.lastPosition);
  const angles = k.intOp('mul', position, 4 * (headDim / 2));
  const y = args.y();
  k.advance(y, k.intOp('mul', tile, bytes * heads * headDim));
  const q = rowPointer(k, tile, args.q, heads * headDim);
  emitRotatedHeads(k, spec, args, {
    x: q,
    norm: args.qNorm,
    angles,
    to: y,
    count: heads,
    stride: headDim,
  });

  // Offset of (sequence, head 0, position) in keys and values.
  const cell = rowIndex(k, tile, args.sequences, args.lastSequence);
  k.intOp('mul', cell, kvHeads * capacity, cell);
  k.advance(cell, position);
  k.intOp('mul', cell, headDim * bytes, cell);
  const stride = capacity * headDim;
  const keys = args.keys();
  k.advance(keys, cell);
  const key = rowPointer(k, tile, args.k, kvHeads * headDim);
  emitRotatedHeads(k, spec, args, {
    x: key,
    norm: args.kNorm,
    angles,
    to: keys,
    count: kvHeads,
    stride,
  });

  const values = args.values();
  k.advance(values, cell);
  const value = rowPointer(k, tile, args.v, kvHeads * headDim);
  k.loop(kvHeads, () => {
    for (let d = 0; d < headDim; d += k.lanes) {
      k.store(k.at(values, d * bytes), k.load(k.at(value, 4 * d)), storeType(spec));
    }
    k.advance(value, 4 * headDim);
    k.advance(values, stride * bytes);
  });
}

interface HeadRow {
  /** Heads of one row, f32, one after another; moved. */
  readonly x: IntReg;
  readonly norm: () => IntReg;
  /** Byte offset of the row's position in the tables. */
  readonly angles: IntReg;
  /** First destination; moved by `stride` elements a head. */
  readonly to: IntReg;
  readonly count: number;
  readonly stride: number;
}

function emitRotatedHeads(k: KernelBuilder, spec: RotarySpec, args: Params['args'], row: HeadRow): void {
  const { headDim } = spec;
  const half = headDim / 2;
  const bytes = OPERAND_BYTES[spec.dtype];
  const norm = row.norm();
  const cos = args.cos();
  k.advance(cos, row.angles);
  const sin = args.sin();
  k.advance(sin, row.angles);
  const { x, to } = row;
  k.loop(row.count, () => {
    const scale = emitRmsScale(k, x, headDim, spec.epsilon);
    const normed = (d: number): Address => k.at(norm, 4 * d);
    for (let d = 0; d < half; d += k.lanes) {
      const a = k.mul(k.mul(scale, k.at(x, 4 * d)), normed(d));
      const b = k.mul(k.mul(scale, k.at(x, 4 * (d + half))), normed(d + half));
      const c = k.load(k.at(cos, 4 * d));
      const s = k.load(k.at(sin, 4 * d));
      const first = k.sub(k.mul(a, c), k.mul(b, s));
      const second = k.mul(b, c);
      k.fma(second, a, s);
      k.store(k.at(to, d * bytes), first, storeType(spec));
      k.store(k.at(to, (d + half) * bytes), second, storeType(spec));
    }
    k.advance(x, 4 * headDim);
    k.advance(to, row.stride * bytes);
  });
}

function storeType(spec: RotarySpec): 'bf16' | 'raw' {
  return spec.dtype === 'bf16' ? 'bf16' : 'raw';
}

/** The tile's own element of an i32 array, an index up to what another argument says. */
function rowIndex(k: KernelBuilder, tile: IntReg, indices: () => IntReg, last: () => IntReg): IntReg {
  const index = k.intLoad(k.at(indices(), 0, k.intOp('shiftLeft', tile, 2)), 'i32');
  return boundIndex(k, index, last());
}

/** The tile's own row of an f32 matrix. */
function rowPointer(k: KernelBuilder, tile: IntReg, matrix: () => IntReg, length: number): IntReg {
  const pointer = matrix();
  k.advance(pointer, k.intOp('mul', tile, 4 * length));
  return pointer;
}

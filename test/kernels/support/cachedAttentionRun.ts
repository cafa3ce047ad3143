import type {
  CachedAttentionSpec,
  prefillAttention,
} from '../../../src/kernels/attention/prefillAttention.js';
import { Random } from '../../support/random.js';
import {
  type AttentionMistake,
  type AttentionRounding,
  attentionError,
  attentionReference,
} from './attentionReference.js';
import { asOperand, type KernelRun, type KernelTarget, runKernel, widen } from './kernelHarness.js';

export interface CachedRow {
  readonly sequence: number;
  readonly position: number;
}

/** Attention over a cache: its size, and which sequence and position each query row has. */
export interface CachedAttentionCase {
  readonly dtype: 'f32' | 'bf16';
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly capacity: number;
  readonly sequences: number;
  readonly rows: readonly CachedRow[];
  /** What the kernel is told instead: outside of the cache, where `rows` are the nearest inside. */
  readonly stated?: readonly CachedRow[];
  readonly rounding: AttentionRounding;
}

type Operand = Float32Array | Uint16Array;
type Widened = [q: Float32Array, y: Float32Array, keys: Float32Array, values: Float32Array];

/** Random queries and caches, in which what lies beyond the last position of a sequence is NaN. */
export class CachedAttentionRun {
  readonly size: CachedAttentionCase;
  readonly spec: CachedAttentionSpec;
  /** [rows, heads·headDim] */
  readonly q: Operand;
  readonly y: Operand;
  /** [sequences, kvHeads, capacity, headDim] */
  readonly keys: Operand;
  readonly values: Operand;

  constructor(size: CachedAttentionCase, seed: number) {
    this.size = size;
    const { dtype, heads, kvHeads, headDim, capacity } = size;
    const elementBytes = dtype === 'bf16' ? 2 : 4;
    this.spec = {
      dtype,
      heads,
      kvHeads,
      headDim,
      capacity,
      sequenceStrideBytes: kvHeads * capacity * headDim * elementBytes,
      qStrideBytes: heads * headDim * elementBytes,
      yStrideBytes: heads * headDim * elementBytes,
    };
    const random = new Random(seed);
    this.q = asOperand(dtype, random.floats(size.rows.length * heads * headDim, 3));
    this.y = asOperand(dtype, new Float32Array(this.q.length));
    this.keys = this.#cache(random);
    this.values = this.#cache(random);
  }

  /** Runs the kernel; the result is in `y`. */
  run(target: KernelTarget, kernel: ReturnType<typeof prefillAttention>, run: KernelRun = {}): void {
    const { q, y, keys, values } = this;
    const { rows, stated = rows, capacity, sequences } = this.size;
    const places = {
      positions: Int32Array.from(stated, ({ position }) => position),
      sequences: Int32Array.from(stated, ({ sequence }) => sequence),
    };
    const last = { lastPosition: capacity - 1, lastSequence: sequences - 1 };
    runKernel(target, kernel, { q, y, keys, values, ...places, rows: rows.length, ...last }, run);
  }

  /** The largest error of y in units of the stated bound, if the kernel had been meant to make a mistake. */
  error(mistake: AttentionMistake, rows: readonly number[] = [...this.size.rows.keys()]): number {
    const { rounding, heads, headDim } = this.size;
    const scale = (mistake.scale ?? 1) / Math.sqrt(headDim);
    const [q, y, keys, values] = [this.q, this.y, this.keys, this.values].map(widen) as Widened;
    let worst = 0;
    for (const row of rows) {
      for (let head = 0; head < heads; head++) {
        const first = mistake.firstKey?.(0) ?? 0;
        const { position } = this.size.rows[row]!;
        const end = mistake.endKey?.(position + 1) ?? position + 1;
        const seen = {
          query: this.#headOf(q, row, head),
          keys: this.#cached(keys, row, head, first, end),
          values: this.#cached(values, row, head, first, end),
        };
        worst = Math.max(
          worst,
          attentionError(this.#headOf(y, row, head), attentionReference(seen, rounding, scale)),
        );
      }
    }
    return worst;
  }

  /** [headDim] f32 of y. */
  output(row: number, head: number): Float32Array {
    return this.#headOf(widen(this.y), row, head);
  }

  /** Where the key or value of a query head's position starts in `keys` or `values`. */
  offset(sequence: number, head: number, position: number): number {
    const { heads, kvHeads, headDim, capacity } = this.size;
    const kvHead = Math.floor(head / (heads / kvHeads));
    return ((sequence * kvHeads + kvHead) * capacity + position) * headDim;
  }

  #headOf(rows: Float32Array, row: number, head: number): Float32Array {
    const { heads, headDim } = this.size;
    const start = (row * heads + head) * headDim;
    return rows.subarray(start, start + headDim);
  }

  #cached(cache: Float32Array, row: number, head: number, first: number, end: number): Float32Array[] {
    const { sequence } = this.size.rows[row]!;
    return Array.from({ length: end - first }, (_, j) => {
      const start = this.offset(sequence, head, first + j);
      return cache.subarray(start, start + this.size.headDim);
    });
  }

  #cache(random: Random): Operand {
    const { dtype, kvHeads, headDim, capacity, sequences, rows } = this.size;
    const values = new Float32Array(sequences * kvHeads * capacity * headDim).fill(Number.NaN);
    for (let sequence = 0; sequence < sequences; sequence++) {
      const positions = rows.filter((row) => row.sequence === sequence).map((row) => row.position + 1);
      const filled = headDim * Math.max(0, ...positions);
      for (let kvHead = 0; kvHead < kvHeads; kvHead++)
        values.set(random.floats(filled), (sequence * kvHeads + kvHead) * capacity * headDim);
    }
    return asOperand(dtype, values);
  }
}

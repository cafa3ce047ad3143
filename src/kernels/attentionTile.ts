import type { KernelBuilder } from '../jit/builder.js';
import type { IntReg } from '../jit/ir.js';
import { ScratchVariable } from './kernel.js';
import { type OperandDtype, type TilePolicy, tilePolicy } from './tilePolicy.js';

/** Query rows of one tile: full vectors of every width, and enough of them to use each key 32 times. */
export const ATTENTION_ROWS = 32;

/** Distance between the scores (and weights) of two keys: one f32 a query row. */
export const ATTENTION_ROW_BYTES = 4 * ATTENTION_ROWS;

/** Keys between two updates of the running softmax: even, and a multiple of every policy's `tileRows`, 6 and 3. */
export const ATTENTION_KEYS = 126;

/** What the attention of one head is specialised on; pointers and counts come at run time. */
export interface AttentionShape {
  /** Element type of q, keys, values and y: `bf16` needs `pairDot`. */
  readonly dtype: OperandDtype;
  /** A multiple of 32. */
  readonly headDim: number;
  /** Row i sees the keys up to its own position, not all of them. */
  readonly isCausal: boolean;
  /** Distances between rows, in bytes. */
  readonly qStrideBytes: number;
  readonly keyStrideBytes: number;
  readonly valueStrideBytes: number;
  readonly yStrideBytes: number;
}

/** Where the parts of a tile lie in scratch memory, as byte offsets. */
export interface AttentionScratch {
  /** The query rows, side by side: [rows, headDim] of dtype. */
  readonly queries: number;
  /**
   * Scores, then softmax weights, of one block of keys: [ATTENTION_KEYS, ATTENTION_ROWS] f32, a column a query row.
   * Paired weights: [ATTENTION_KEYS / 2, ATTENTION_ROWS] of two bf16 each.
   */
  readonly weights: number;
  /** Σ weight·value so far: [ATTENTION_ROWS, headDim] f32. */
  readonly sums: number;
  /** Highest score so far: [ATTENTION_ROWS] f32. */
  readonly highest: number;
  /** Σ weight so far: [ATTENTION_ROWS] f32. */
  readonly total: number;
  /** What the sums so far must be multiplied with: [ATTENTION_ROWS] f32. */
  readonly correction: number;
}

/**
 * A tile of attention while its code is written: up to ATTENTION_ROWS query rows of one head, and the block of keys
 * they are meeting. The integers live in scratch memory, because the product loops need every integer register.
 */
export class AttentionTile {
  readonly k: KernelBuilder;
  readonly shape: AttentionShape;
  readonly policy: TilePolicy;
  /** Weights are multiplied with the values in bf16, two keys at a time. */
  readonly isPaired: boolean;
  readonly scratch: IntReg;
  readonly at: AttentionScratch;
  /** Address of the first query row. */
  readonly q: ScratchVariable;
  readonly y: ScratchVariable;
  /** Query rows of this tile, at least 1. */
  readonly rows: ScratchVariable;
  /** Address of the block's first key, and of its value. */
  readonly keys: ScratchVariable;
  readonly values: ScratchVariable;
  /** Keys from the block's first to the last that any row sees. */
  readonly keysLeft: ScratchVariable;
  /** Keys of the block, at most ATTENTION_KEYS. */
  readonly blockKeys: ScratchVariable;
  /** Causal: row i sees key j of the block where j ≤ diagonal + i. */
  readonly diagonal: ScratchVariable;
  /** Scores: first key of the strip, counted from the block's first. */
  readonly strip: ScratchVariable;

  constructor(k: KernelBuilder, shape: AttentionShape, scratch: IntReg) {
    this.k = k;
    this.shape = shape;
    this.policy = tilePolicy(k.capabilities, shape.dtype, shape.dtype);
    this.isPaired = this.policy.name === 'pairDot';
    this.scratch = scratch;
    this.at = layOut(shape.headDim);
    const variable = (index: number): ScratchVariable => new ScratchVariable(k, scratch, index);
    this.q = variable(0);
    this.y = variable(1);
    this.rows = variable(2);
    this.keys = variable(3);
    this.values = variable(4);
    this.keysLeft = variable(5);
    this.blockKeys = variable(6);
    this.diagonal = variable(7);
    this.strip = variable(8);
  }

  /** ⌈rows / size⌉. */
  rowGroups(size: number): IntReg {
    const groups = this.rows.get();
    this.k.advance(groups, size - 1);
    return this.k.intOp('divide', groups, size, groups);
  }
}

function layOut(headDim: number): AttentionScratch {
  const matrixBytes = ATTENTION_ROW_BYTES * headDim;
  const weights = matrixBytes;
  const sums = weights + ATTENTION_KEYS * ATTENTION_ROW_BYTES;
  const highest = sums + matrixBytes;
  const total = highest + ATTENTION_ROW_BYTES;
  return { queries: 0, weights, sums, highest, total, correction: total + ATTENTION_ROW_BYTES };
}

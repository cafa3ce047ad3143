import type { KernelBuilder } from '../../jit/builder.js';
import type { IntReg, VecReg } from '../../jit/ir.js';
import { ScratchVariable } from '../kernel.js';
import { choosePolicy } from '../matrix/formats/choosePolicy.js';
import { dotTile, type OperandDtype, type ProductPolicy } from '../matrix/productPolicy.js';

/** Query rows of one tile: full vectors of every width, and enough of them to use each key 32 times. */
export const ATTENTION_ROWS = 32;

/** Distance between the scores (and weights) of two keys: one f32 a query row. */
export const ATTENTION_ROW_BYTES = 4 * ATTENTION_ROWS;

/** Keys between two updates of the running softmax: even, and a multiple of every policy's `tileRows`, 6 and 3. */
export const ATTENTION_KEYS = 126;

/** Scores are stored of whole tiles of 16 keys. */
const STORED_KEYS = 128;

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
  /** The query rows, side by side: [rows, headDim] of dtype; widened [headDim, ATTENTION_ROWS] f32. */
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
  /** Some keys: for products of tiles (`attentionTiles.ts`), or [WIDENED_KEYS, headDim] f32 (`widenedScores.ts`). */
  readonly keys: number;
  /** For products of tiles: weights as rows, values in panels of pairs. */
  readonly rows: number;
  readonly values: number;
}

/**
 * A tile of attention while its code is written: up to ATTENTION_ROWS query rows of one head, and the block of keys
 * they are meeting. The integers live in scratch memory, because the product loops need every integer register.
 */
export class AttentionTile {
  readonly k: KernelBuilder;
  readonly shape: AttentionShape;
  readonly policy: ProductPolicy;
  /** Weights are multiplied with the values in bf16, two keys at a time. */
  readonly isPaired: boolean;
  /** Both products are products of tiles. */
  readonly usesTiles: boolean;
  /** Queries, keys and values in bf16 are widened and multiplied as f32. */
  readonly isWidened: boolean;
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
    this.policy = choosePolicy(k.capabilities, shape.dtype, shape.dtype);
    const isPairs = this.policy.name === 'pairDot';
    this.usesTiles = isPairs && k.capabilities.tiles;
    this.isWidened = isPairs && !this.usesTiles && k.capabilities.tuning.pairsAsF32 === 1;
    this.isPaired = isPairs && !this.isWidened;
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
  const sums = weights + STORED_KEYS * ATTENTION_ROW_BYTES;
  const highest = sums + matrixBytes;
  const total = highest + ATTENTION_ROW_BYTES;
  const correction = total + ATTENTION_ROW_BYTES;
  const keys = correction + ATTENTION_ROW_BYTES;
  const rows = keys + matrixBytes;
  const values = rows + 3 * STORED_KEYS * ATTENTION_ROWS;
  return { queries: 0, weights, sums, highest, total, correction, keys, rows, values };
}

/**
 * scores[j, i] = Σ_d key[j, d]·query[i, d] for the keys of the block: strips of `tileRows` keys against all query rows,
 * four at a time. Causal tiles leave out query rows that see no key of a strip.
 *
 * Error: at most (headDim + 8)·2⁻²⁴·Σ|key·query|.
 */
export function emitScores(tile: AttentionTile): void {
  const { k, shape, policy, scratch, at } = tile;
  const queryBytes = shape.headDim * policy.aBytes;
  const strips = k.intOp('add', tile.blockKeys.get(), policy.tileRows - 1);
  k.intOp('divide', strips, policy.tileRows, strips);
  tile.strip.set(k.intConst(0));
  k.loop(strips, () => {
    const keys = keyPointers(tile);
    const group = firstRowGroup(tile); // of four query rows
    const query = k.intOp('mul', group, 4 * queryBytes);
    k.advance(query, scratch);
    k.advance(query, at.queries);
    const score = k.intOp('mul', tile.strip.get(), ATTENTION_ROW_BYTES);
    k.advance(score, k.intOp('mul', group, 16));
    k.advance(score, scratch);
    const groups = k.intOp('sub', tile.rowGroups(4), group, group);
    k.loop(groups, () => {
      const products = dotTile(k, policy, {
        a: keys,
        b: query,
        bStrideBytes: queryBytes,
        depth: shape.headDim,
        aOffsetBytes: 0,
      });
      products.forEach(([product], j) => {
        k.storeLow(k.at(score, at.weights + j * ATTENTION_ROW_BYTES), product!, 4);
      });
      k.advance(query, 4 * queryBytes);
      k.advance(score, 16);
    });
    tile.strip.set(k.intOp('add', tile.strip.get(), policy.tileRows));
  });
}

/** Addresses of the strip's keys; past the block's end its last key is repeated, and those scores are not used. */
function keyPointers(tile: AttentionTile): IntReg[] {
  const { k, shape, policy } = tile;
  return Array.from({ length: policy.tileRows }, (_, j) => {
    const pointer = tile.strip.get();
    k.advance(pointer, j);
    const last = tile.blockKeys.get();
    k.advance(last, -1);
    k.intOp('min', pointer, last, pointer);
    k.intOp('mul', pointer, shape.keyStrideBytes, pointer);
    k.advance(pointer, tile.keys.get());
    return pointer;
  });
}

/** The first four query rows of which one sees a key of the strip. */
function firstRowGroup(tile: AttentionTile): IntReg {
  const { k } = tile;
  if (!tile.shape.isCausal) return k.intConst(0);
  const row = tile.strip.get();
  k.intOp('sub', row, tile.diagonal.get(), row);
  k.intOp('max', row, 0, row);
  return k.intOp('shiftRight', row, 2, row);
}

/** A register tile of the product of softmax weights with values: `rows` query rows × `vectors` vectors of headDim. */
export interface WeightedValues {
  readonly rows: number;
  readonly vectors: number;
  readonly dtype: OperandDtype;
  /** Distance between the values of two keys. */
  readonly valueStrideBytes: number;
  /** Distance between the weights of two keys (or pairs of keys), and of two rows. */
  readonly weightKeyBytes: number;
  readonly weightRowBytes: number;
}

/** Where a product starts; the registers are moved. */
export interface WeightedValuesAt {
  /** Weights of the first row and key. */
  readonly weight: IntReg;
  /** First vector of the first key's value. */
  readonly value: IntReg;
}

/**
 * sums[i] += Σ_j weight[j, i]·value[j] over `keys` keys, lanes along headDim: every value is loaded (and widened) once
 * for all rows.
 *
 * Error: at most (keys + 1)·2⁻²⁴·Σ|weight·value|.
 *
 * @param sums rows · vectors registers, row by row
 */
export function emitWeightedValues(
  k: KernelBuilder,
  shape: WeightedValues,
  sums: readonly VecReg[],
  keys: IntReg,
  { weight, value }: WeightedValuesAt,
): void {
  const isNarrow = shape.dtype === 'bf16';
  const vectorBytes = (isNarrow ? 2 : 4) * k.lanes;
  k.loop(keys, () => {
    const values = Array.from({ length: shape.vectors }, (_, v) =>
      k.load(k.at(value, v * vectorBytes), isNarrow ? 'bf16' : 'raw'),
    );
    forEachSum(k, shape, sums, weight, values, (sum, w, x) => {
      k.fma(sum, w, x);
    });
    k.advance(weight, shape.weightKeyBytes);
    k.advance(value, shape.valueStrideBytes);
  });
}

/**
 * The same for weights and values in bf16, two keys at a time: `weight` points to words of two weights, and the values
 * of both keys are put together in the same way. Where the number of keys is odd, the last word's second weight must
 * be 0, and the last value is its own partner, so that nothing past it is read.
 *
 * Error: at most (keys + 1)·2⁻²⁴·Σ|weight·value|.
 *
 * @param keys overwritten
 */
export function emitPairedValues(
  k: KernelBuilder,
  shape: WeightedValues,
  sums: readonly VecReg[],
  keys: IntReg,
  { weight, value }: WeightedValuesAt,
): void {
  const addPair = (partnerBytes: number): void => {
    const values = Array.from({ length: shape.vectors }, (_, v) => {
      const even = k.load(k.at(value, 2 * v * k.lanes), 'bf16');
      const odd = k.load(k.at(value, 2 * v * k.lanes + partnerBytes), 'bf16');
      return k.vecOp('or', k.shift('right', even, 16, even), odd, even);
    });
    forEachSum(k, shape, sums, weight, values, (sum, w, x) => {
      k.dotPairs(sum, w, x);
    });
  };
  const rest = k.intOp('and', keys, 1);
  const pairs = k.intOp('shiftRight', keys, 1, keys);
  k.loop(pairs, () => {
    addPair(shape.valueStrideBytes);
    k.advance(weight, shape.weightKeyBytes);
    k.advance(value, 2 * shape.valueStrideBytes);
  });
  k.loop(rest, () => addPair(0));
}

/** Runs `add` for every sum of the register tile, with its row's weight in every lane and its vector of the value. */
function forEachSum(
  k: KernelBuilder,
  shape: WeightedValues,
  sums: readonly VecReg[],
  weight: IntReg,
  values: readonly VecReg[],
  add: (sum: VecReg, weight: VecReg, value: VecReg) => void,
): void {
  for (let row = 0; row < shape.rows; row++) {
    const w = k.broadcast(k.at(weight, row * shape.weightRowBytes));
    values.forEach((value, v) => {
      add(sums[row * shape.vectors + v]!, w, value);
    });
  }
}

import type { KernelBuilder } from '../../jit/builder.js';
import type { IntReg, VecReg } from '../../jit/ir.js';
import { boundIndex, defineKernel, type Kernel, type KernelParams, ScratchVariable } from '../kernel.js';
import { choosePolicy } from '../matrix/formats/choosePolicy.js';
import { dotTile, type ProductPolicy } from '../matrix/productPolicy.js';
import { emitExp } from '../vectorMath.js';
import { emitWeightedValues } from './attentionTile.js';
import {
  CACHED_ATTENTION_ARGUMENTS,
  type CachedAttentionSpec,
  cachedAttentionName,
} from './prefillAttention.js';

type Params = KernelParams<typeof CACHED_ATTENTION_ARGUMENTS>;

/**
 * Causal grouped-query attention of single rows, each of its own sequence, over the cache:
 * y = softmax(q·Kᵀ/√headDim)·V, row r seeing the keys 0 … positions[r] of sequence sequences[r]
 * (q, y [rows, heads·headDim]). Tiles: one row and one key/value head, with all query heads that share it, so that
 * keys and values, which are the cost, are read once. Blocks of STEP_KEYS keys with a running softmax.
 *
 * Error, against exact arithmetic on the same operands: with s the largest Σ|q·k|/√headDim of the row,
 * |error of y| ≤ (2·(headDim + 16)·s·2⁻²⁴ + (keys + 24)·2⁻²³)·Σ weight·|v|, then the rounding of y to its type.
 * NaN in what a row sees makes its y NaN. A position or sequence outside the cache counts as the nearest.
 *
 * `spec.capacity` must be a multiple of 4: keys are read in fours.
 */
export function stepAttention(spec: CachedAttentionSpec): Kernel<typeof CACHED_ATTENTION_ARGUMENTS> {
  return defineKernel({
    name: `stepAttention.${cachedAttentionName(spec)}`,
    args: CACHED_ATTENTION_ARGUMENTS,
    tiles: ({ rows }) => rows * spec.kvHeads,
    emit: (k, params) => emit(k, spec, params),
  });
}

function emit(k: KernelBuilder, spec: CachedAttentionSpec, params: Params): void {
  const tile = new StepTile(k, spec, params.scratch);
  locate(tile, params);
  clearSums(tile);
  const blocks = tile.keysLeft.get();
  k.advance(blocks, STEP_KEYS - 1);
  k.intOp('divide', blocks, STEP_KEYS, blocks);
  k.loop(blocks, () => {
    const blockKeys = tile.keysLeft.get();
    k.intOp('min', blockKeys, STEP_KEYS, blockKeys);
    tile.blockKeys.set(blockKeys);
    emitScores(tile);
    emitSoftmax(tile);
    addValues(tile);
    tile.keys.set(k.intOp('add', tile.keys.get(), STEP_KEYS * tile.rowBytes));
    tile.values.set(k.intOp('add', tile.values.get(), STEP_KEYS * tile.rowBytes));
    tile.keysLeft.set(k.intOp('sub', tile.keysLeft.get(), STEP_KEYS));
  });
  storeOutput(tile);
}

/** Finds the tile's queries, keys, values and output. */
function locate(tile: StepTile, { args, tile: index }: Params): void {
  const { k, spec, rowBytes, group } = tile;
  const row = k.intOp('divide', index, spec.kvHeads);
  const kvHead = k.intOp('remainder', index, spec.kvHeads);
  const ofRow = (indices: () => IntReg, last: () => IntReg): IntReg => {
    const address = k.intOp('mul', row, 4);
    k.advance(address, indices());
    return boundIndex(k, k.intLoad(k.at(address), 'i32', address), last());
  };
  const position = ofRow(args.positions, args.lastPosition);
  tile.keysLeft.set(k.intOp('add', position, 1, position));
  const inCache = ofRow(args.sequences, args.lastSequence);
  k.intOp('mul', inCache, spec.sequenceStrideBytes, inCache);
  k.advance(inCache, k.intOp('mul', kvHead, spec.capacity * rowBytes));
  tile.keys.set(k.intOp('add', args.keys(), inCache));
  tile.values.set(k.intOp('add', args.values(), inCache));
  const firstHead = k.intOp('mul', kvHead, group * rowBytes, kvHead);
  for (const { variable, load, strideBytes } of [
    { variable: tile.q, load: args.q, strideBytes: spec.qStrideBytes },
    { variable: tile.y, load: args.y, strideBytes: spec.yStrideBytes },
  ]) {
    const address = k.intOp('mul', row, strideBytes);
    k.advance(address, firstHead);
    k.advance(address, load());
    variable.set(address);
  }
}

function clearSums(tile: StepTile): void {
  const { k, spec, at } = tile;
  const zero = k.vecConst(0);
  const none = k.vecConst(-Infinity);
  tile.forEachHead((head) => {
    k.store(k.at(head, at.highest), none);
    k.store(k.at(head, at.total), zero);
    for (let d = 0; d < spec.headDim; d += k.lanes) k.store(k.at(head, at.sums + 4 * d), zero);
  });
}

/** scores[h, j] = Σ_d query[h, d]·key[j, d], four keys at a time; error at most (headDim + 8)·2⁻²⁴·Σ|query·key|. */
function emitScores(tile: StepTile): void {
  const { k, policy, rowBytes, group, at } = tile;
  for (let first = 0; first < group; first += policy.tileRows) {
    const heads = Math.min(policy.tileRows, group - first);
    const queries = Array.from({ length: heads }, (_, h) =>
      k.intOp('add', tile.q.get(), (first + h) * rowBytes),
    );
    const key = tile.keys.get();
    const score = k.intOp('add', tile.scratch, first * at.headBytes);
    const values = first === 0 ? k.intOp('sub', tile.values.get(), key) : null;
    const fours = tile.blockKeys.get();
    k.advance(fours, 3);
    k.intOp('shiftRight', fours, 2, fours);
    k.loop(fours, () => {
      if (values !== null) fetchAhead(tile, key, values);
      const operands = {
        a: queries,
        b: key,
        bStrideBytes: rowBytes,
        depth: tile.spec.headDim,
        aOffsetBytes: 0,
      };
      dotTile(k, policy, operands).forEach(([product], h) => {
        k.storeLow(k.at(score, h * at.headBytes + at.weights), product!, 4);
      });
      k.advance(key, 4 * rowBytes);
      k.advance(score, 16);
    });
  }
}

/**
 * While four keys are multiplied: later keys, and the values of the same positions. The cache lies in small pages, past whose
 * ends processors do not look by themselves: on two cores of an Emerald Rapids, 170 positions of a layer take 43 µs so, and
 * 64 without.
 */
function fetchAhead({ k, rowBytes }: StepTile, key: IntReg, values: IntReg): void {
  const { prefetchBytes } = k.capabilities.tuning;
  if (prefetchBytes === 0) return;
  for (let line = 0; line < 4 * rowBytes; line += CACHE_LINE_BYTES) {
    k.prefetch(k.at(key, line + prefetchBytes), 'near');
    k.prefetch(k.at(key, line, values), 'second');
  }
}

/** One step of the running softmax, as in attention.ts, lanes running along the keys. */
function emitSoftmax(tile: StepTile): void {
  const { k, at } = tile;
  const scale = k.vecConst(1 / Math.sqrt(tile.spec.headDim));
  const lastKey = k.broadcastInt(tile.blockKeys.get());
  k.unary('fromI32', lastKey, lastKey);
  k.sub(lastKey, k.vecConst(1), lastKey);
  tile.forEachHead((head) => {
    const before = k.load(k.at(head, at.highest));
    const highest = k.vecMove(k.vec(), before);
    forEachVector(tile, head, (weight, key) => {
      const score = k.load(k.at(weight, at.weights));
      k.select('ge', lastKey, key, score, highest, score);
      k.max(score, highest, highest);
    });
    k.reduce('max', highest, highest);
    k.store(k.at(head, at.highest), highest);
    k.sub(before, highest, before);
    const correction = emitExp(k, k.mul(before, scale, before));
    k.store(k.at(head, at.correction), correction);

    const total = k.load(k.at(head, at.total));
    k.mul(total, correction, total);
    const zero = k.vecConst(0);
    forEachVector(tile, head, (weight, key) => {
      const exponent = k.load(k.at(weight, at.weights));
      k.sub(exponent, highest, exponent);
      const value = emitExp(k, k.mul(exponent, scale, exponent));
      k.select('ge', lastKey, key, value, zero, value);
      k.add(total, value, total);
      k.store(k.at(weight, at.weights), value);
    });
    k.store(k.at(head, at.total), total);
  });
}

/** Runs `body` for the block's weights of one head; `key` holds their indices in the block as f32 (exact below 2²⁴). */
function forEachVector(tile: StepTile, head: IntReg, body: (weight: IntReg, key: VecReg) => void): void {
  const { k } = tile;
  const vectors = tile.blockKeys.get();
  k.advance(vectors, k.lanes - 1);
  k.intOp('divide', vectors, k.lanes, vectors);
  const weight = k.intMove(k.int(), head);
  const key = k.vecConst(Array.from({ length: k.lanes }, (_, lane) => lane));
  const lanes = k.vecConst(k.lanes);
  k.loop(vectors, () => {
    body(weight, key);
    k.add(key, lanes, key);
    k.advance(weight, 4 * k.lanes);
  });
}

/** sums = sums·correction + weights·V for all heads of the group, as many columns at a time as registers allow. */
function addValues(tile: StepTile): void {
  const { k, spec, group, at } = tile;
  for (let first = 0; first < group; first += tile.policy.tileRows) {
    const rows = Math.min(tile.policy.tileRows, group - first);
    const vectors = valueVectors(tile, rows);
    const product = {
      rows,
      vectors,
      dtype: spec.dtype,
      valueStrideBytes: tile.rowBytes,
      weightKeyBytes: 4,
      weightRowBytes: at.headBytes,
    };
    for (let d = 0; d < spec.headDim; d += vectors * k.lanes) {
      const head = k.intOp('add', tile.scratch, first * at.headBytes);
      const place = (n: number) => {
        const row = Math.floor(n / vectors);
        return k.at(head, row * at.headBytes + at.sums + 4 * (d + (n % vectors) * k.lanes));
      };
      const sums = Array.from({ length: rows * vectors }, (_, n) => {
        const correction = k.load(k.at(head, Math.floor(n / vectors) * at.headBytes + at.correction));
        return k.mul(correction, place(n), correction);
      });
      const weight = k.intOp('add', head, at.weights);
      const value = k.intOp('add', tile.values.get(), d * tile.policy.aBytes);
      emitWeightedValues(k, product, sums, tile.blockKeys.get(), { weight, value });
      sums.forEach((sum, n) => {
        k.store(place(n), sum);
      });
    }
  }
}

/** Most vectors of a value, a power of two of them, whose sums for `rows` heads fit with the vectors and a weight. */
function valueVectors(tile: StepTile, rows: number): number {
  const { lanes, vecRegisters } = tile.k.capabilities;
  let vectors = tile.spec.headDim / lanes;
  while (vectors % 2 === 0 && (rows + 1) * vectors + 1 > vecRegisters) vectors /= 2;
  return vectors;
}

/** y = sums / total. */
function storeOutput(tile: StepTile): void {
  const { k, spec, at } = tile;
  const y = tile.y.get();
  tile.forEachHead((head) => {
    const total = k.load(k.at(head, at.total));
    const inverse = k.div(k.vecConst(1), k.reduce('add', total, total), total);
    for (let d = 0; d < spec.headDim; d += k.lanes) {
      const value = k.mul(inverse, k.at(head, at.sums + 4 * d));
      k.store(k.at(y, d * tile.policy.aBytes), value, spec.dtype === 'bf16' ? 'bf16' : 'raw');
    }
    k.advance(y, tile.rowBytes);
  });
}

const CACHE_LINE_BYTES = 64;

/** Keys between two updates of the running softmax: a multiple of every vector's lanes. */
const STEP_KEYS = 256;

/** What scratch memory holds for each query head of the group, as byte offsets from the head's part. */
interface StepScratch {
  /** Scores, then softmax weights, of one block of keys: [STEP_KEYS] f32. */
  readonly weights: number;
  /** Highest score so far, in every lane: [lanes] f32. */
  readonly highest: number;
  /** Σ weight so far, to be summed over the lanes: [lanes] f32. */
  readonly total: number;
  /** What the sums so far must be multiplied with, in every lane: [lanes] f32. */
  readonly correction: number;
  /** Σ weight·value so far: [headDim] f32. */
  readonly sums: number;
  /** Size of a head's part. */
  readonly headBytes: number;
}

/** A tile of stepAttention while its code is written; its integers live in scratch memory. */
class StepTile {
  readonly k: KernelBuilder;
  readonly spec: CachedAttentionSpec;
  readonly policy: ProductPolicy;
  readonly scratch: IntReg;
  readonly at: StepScratch;
  /** Query heads that share the key/value head. */
  readonly group: number;
  /** Bytes of one query, key or value. */
  readonly rowBytes: number;
  /** Address of the group's first query head, and of its output. */
  readonly q: ScratchVariable;
  readonly y: ScratchVariable;
  /** Address of the block's first key, and of its value. */
  readonly keys: ScratchVariable;
  readonly values: ScratchVariable;
  /** Keys from the block's first to the last. */
  readonly keysLeft: ScratchVariable;
  /** Keys of the block, at most STEP_KEYS. */
  readonly blockKeys: ScratchVariable;

  constructor(k: KernelBuilder, spec: CachedAttentionSpec, scratch: IntReg) {
    this.k = k;
    this.spec = spec;
    this.policy = choosePolicy(k.capabilities, spec.dtype, spec.dtype);
    this.scratch = scratch;
    this.at = layOut(spec.headDim, k.lanes);
    this.group = spec.heads / spec.kvHeads;
    this.rowBytes = spec.headDim * this.policy.aBytes;
    const variable = (index: number): ScratchVariable => new ScratchVariable(k, scratch, index);
    this.q = variable(0);
    this.y = variable(1);
    this.keys = variable(2);
    this.values = variable(3);
    this.keysLeft = variable(4);
    this.blockKeys = variable(5);
  }

  /** Runs `body` for each query head of the group; `head` is where its part of scratch memory starts. */
  forEachHead(body: (head: IntReg) => void): void {
    const head = this.k.intMove(this.k.int(), this.scratch);
    this.k.loop(this.group, () => {
      body(head);
      this.k.advance(head, this.at.headBytes);
    });
  }
}

function layOut(headDim: number, lanes: number): StepScratch {
  const highest = 4 * STEP_KEYS;
  const total = highest + 4 * lanes;
  const correction = total + 4 * lanes;
  const sums = correction + 4 * lanes;
  return { weights: 0, highest, total, correction, sums, headBytes: sums + 4 * headDim };
}

import type { OperatorArgs } from '../operators.js';
import { normalizeRms } from './products.js';
import { cacheLayer, cacheRowOffset, floatsOf, integersOf, nearestIndex } from './referenceTensor.js';
import { weightOf } from './referenceWeight.js';

/** Bidirectional attention in which row i sees exactly the rows of its own window ⌊i / windowTokens⌋. */
export function windowAttention(args: OperatorArgs<'windowAttention'>): void {
  const [tokens = 0, width = 0] = args.q.shape;
  const headDim = width / args.heads;
  const q = floatsOf(args.q); // [tokens, heads·headDim] f32, as k, v and y
  const keys = floatsOf(args.k);
  const values = floatsOf(args.v);
  const y = floatsOf(args.y);
  for (let row = 0; row < tokens; row++) {
    const first = row - (row % args.windowTokens);
    const count = Math.min(args.windowTokens, tokens - first);
    for (let head = 0; head < args.heads; head++) {
      const at = row * width + head * headDim;
      const offset = first * width + head * headDim;
      const seen = { keys, values, offset, stride: width, count };
      attend(q.subarray(at, at + headDim), seen, y.subarray(at, at + headDim));
    }
  }
}

/** Per-head RMSNorm of q and k, split-half RoPE at each row's position, rotated q into y, rotated k and plain v into the cache. */
export function rotaryToCache(args: OperatorArgs<'rotaryToCache'>): void {
  const { cache, rows, epsilon } = args;
  const { headDim } = cache;
  const layer = cacheLayer(cache, args.layer);
  const positions = integersOf(rows.positions);
  const sequences = integersOf(rows.sequences);
  const q = floatsOf(args.q); // [rows, heads·headDim] f32
  const k = floatsOf(args.k); // [rows, kvHeads·headDim] f32
  const v = floatsOf(args.v); // [rows, kvHeads·headDim] f32
  const qNorm = weightOf(args.qNorm).widenAll(); // [headDim] f32
  const kNorm = weightOf(args.kNorm).widenAll(); // [headDim] f32
  const cos = floatsOf(args.cos); // [positions, headDim/2] f32
  const sin = floatsOf(args.sin); // [positions, headDim/2] f32
  const y = floatsOf(args.y); // [rows, heads·headDim] f32
  const positionCount = Math.min(args.cos.shape[0]!, cache.capacity);
  const queryWidth = args.q.shape[1]!;
  const keyWidth = cache.kvHeads * headDim;
  const head = new Float32Array(headDim);
  for (let row = 0; row < rows.count; row++) {
    const position = nearestIndex(positions[row]!, positionCount);
    const angles = position * (headDim / 2);
    const turn = { cos: cos.subarray(angles), sin: sin.subarray(angles) };
    for (let at = row * queryWidth; at < (row + 1) * queryWidth; at += headDim) {
      normalizeRms(q.subarray(at, at + headDim), qNorm, epsilon, head);
      rotate(head, turn, y.subarray(at, at + headDim));
    }
    const sequence = nearestIndex(sequences[row]!, cache.sequences);
    const stored = cacheRowOffset(cache, sequence, position);
    for (let offset = 0; offset < keyWidth; offset += headDim) {
      const at = row * keyWidth + offset;
      normalizeRms(k.subarray(at, at + headDim), kNorm, epsilon, head);
      rotate(head, turn, layer.keys.subarray(stored + offset, stored + offset + headDim));
    }
    layer.values.set(v.subarray(row * keyWidth, (row + 1) * keyWidth), stored);
  }
}

/** Turns each pair (x[i], x[i + headDim/2]) by its angle (GPT-NeoX order of Su et al., arXiv:2104.09864). */
function rotate(x: Float32Array, turn: { cos: Float32Array; sin: Float32Array }, out: Float32Array): void {
  const half = x.length / 2;
  for (let i = 0; i < half; i++) {
    const cos = turn.cos[i]!;
    const sin = turn.sin[i]!;
    out[i] = x[i]! * cos - x[i + half]! * sin;
    out[i + half] = x[i + half]! * cos + x[i]! * sin;
  }
}

/**
 * Causal grouped-query attention over the cache: row i sees positions 0…positions[i] of its own sequence, and query
 * head h reads key/value head ⌊h / (heads / kvHeads)⌋ (Ainslie et al., arXiv:2305.13245).
 */
export function cachedAttention(args: OperatorArgs<'cachedAttention'>): void {
  const { cache, rows } = args;
  const { keys, values } = cacheLayer(cache, args.layer);
  const positions = integersOf(rows.positions);
  const sequences = integersOf(rows.sequences);
  const q = floatsOf(args.q); // [rows, heads·headDim] f32
  const y = floatsOf(args.y); // [rows, heads·headDim] f32
  const { headDim, kvHeads } = cache;
  const width = args.q.shape[1]!;
  const heads = width / headDim;
  const queriesPerKey = heads / kvHeads;
  // A place outside the cache counts as the nearest; that of a prefill is the place of its first row.
  const placeOf = (row: number): { sequence: number; position: number } => {
    const isPrefill = rows.kind === 'prefill';
    const first = isPrefill ? 0 : row;
    const positionCount = isPrefill ? cache.capacity - rows.count + 1 : cache.capacity;
    const position = nearestIndex(positions[first]!, positionCount) + row - first;
    return { sequence: nearestIndex(sequences[first]!, cache.sequences), position };
  };
  for (let row = 0; row < rows.count; row++) {
    const { sequence, position } = placeOf(row);
    const start = cacheRowOffset(cache, sequence, 0);
    const count = position + 1;
    for (let head = 0; head < heads; head++) {
      const at = row * width + head * headDim;
      const offset = start + Math.floor(head / queriesPerKey) * headDim;
      const seen = { keys, values, offset, stride: kvHeads * headDim, count };
      attend(q.subarray(at, at + headDim), seen, y.subarray(at, at + headDim));
    }
  }
}

/** Rows of keys and values that one query looks at, all of one head. */
interface AttendedRows {
  /** f32, head rows of `headDim` at `offset`, `offset + stride`, … */
  readonly keys: Float32Array;
  readonly values: Float32Array;
  readonly offset: number;
  readonly stride: number;
  readonly count: number;
}

/**
 * Softmax attention of one query of one head (Vaswani et al., arXiv:1706.03762), in f64:
 * out = Σ softmax(query·keyⱼ / √headDim)ⱼ · valueⱼ.
 *
 * @param query [headDim] f32
 * @param out [headDim] f32
 */
function attend(query: Float32Array, rows: AttendedRows, out: Float32Array): void {
  const { keys, values, offset, stride, count } = rows;
  const headDim = query.length;
  const scale = 1 / Math.sqrt(headDim);
  const scores = new Float64Array(count);
  let highest = -Infinity;
  for (let j = 0; j < count; j++) {
    let score = 0;
    for (let d = 0; d < headDim; d++) score += query[d]! * keys[offset + j * stride + d]!;
    scores[j] = score * scale;
    highest = Math.max(highest, scores[j]!);
  }
  let total = 0;
  for (let j = 0; j < count; j++) {
    scores[j] = Math.exp(scores[j]! - highest);
    total += scores[j]!;
  }
  for (let d = 0; d < headDim; d++) {
    let sum = 0;
    for (let j = 0; j < count; j++) sum += scores[j]! * values[offset + j * stride + d]!;
    out[d] = sum / total;
  }
}

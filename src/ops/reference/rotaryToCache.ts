import type { Operators } from '../operators.js';
import { nearestIndex } from './nearestIndex.js';
import { cacheLayer, cacheRowOffset } from './referenceStorage.js';
import { floatsOf, integersOf } from './referenceTensor.js';
import { weightOf } from './referenceWeight.js';
import { normalizeRms } from './rmsNorm.js';

/** Per-head RMSNorm of q and k, split-half RoPE at each row's position, rotated q into y, rotated k and plain v into the cache. */
export function rotaryToCache(args: Parameters<Operators['rotaryToCache']>[0]): void {
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

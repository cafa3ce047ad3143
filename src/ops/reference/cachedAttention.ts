import type { Operators } from '../operators.js';
import { attend } from './attend.js';
import { nearestIndex } from './nearestIndex.js';
import { cacheLayer, cacheRowOffset } from './referenceStorage.js';
import { floatsOf, integersOf } from './referenceTensor.js';

/**
 * Causal grouped-query attention over the cache: row i sees positions 0…positions[i] of its own sequence, and query
 * head h reads key/value head ⌊h / (heads / kvHeads)⌋ (Ainslie et al., arXiv:2305.13245).
 */
export function cachedAttention(args: Parameters<Operators['cachedAttention']>[0]): void {
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

import { QwenAsrError } from '../../error.js';
import type { FeatureMap, KvCache } from '../operators.js';

/** A feature map in plain NCHW order. */
export interface ReferenceFeatureMap extends FeatureMap {
  /** [chunks, channels, height, width] f32. */
  readonly data: Float32Array;
}

/** Keys and values, one array a layer. */
export interface ReferenceKvCache extends KvCache {
  /** Per layer [sequences, capacity, kvHeads, headDim] f32. */
  readonly keys: readonly Float32Array[];
  /** Per layer [sequences, capacity, kvHeads, headDim] f32. */
  readonly values: readonly Float32Array[];
}

/** The NCHW elements of a feature map of this backend. */
export function pixelsOf(map: FeatureMap): Float32Array {
  if ('data' in map && map.data instanceof Float32Array) return map.data;
  throw new QwenAsrError('internal', `${map.label}: expected a feature map of the reference backend`);
}

/** One layer's keys and values of a cache of this backend. */
export function cacheLayer(cache: KvCache, layer: number): { keys: Float32Array; values: Float32Array } {
  const { keys, values } = cache as ReferenceKvCache;
  const layerKeys = keys?.[layer];
  const layerValues = values?.[layer];
  if (layerKeys === undefined || layerValues === undefined) {
    throw new QwenAsrError(
      'internal',
      `kv cache: expected layer ${layer} of a cache of the reference backend`,
    );
  }
  return { keys: layerKeys, values: layerValues };
}

/** Index of the first element of the (sequence, position) row in a layer's keys or values. */
export function cacheRowOffset(cache: KvCache, sequence: number, position: number): number {
  return (sequence * cache.capacity + position) * cache.kvHeads * cache.headDim;
}

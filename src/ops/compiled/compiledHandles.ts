import { QwenAsrError } from '../../error.js';
import type { FeatureMap, KvCache, Tensor, Weight } from '../operators.js';
import { type CompiledFeatureMap, type CompiledKvCache, CompiledTensor } from './compiledTensor.js';
import type { CompiledWeight } from './compiledWeight.js';

/*
 * The handles that stages pass around, as this backend made them. Mixing backends is a programming error, which the
 * tensor check catches; the other handles only ever reach an operator together with tensors.
 */

export function tensorOf(tensor: Tensor): CompiledTensor {
  if (tensor instanceof CompiledTensor) return tensor;
  throw new QwenAsrError('internal', `${tensor.label}: expected a tensor of the compiled backend`);
}

export function compiledWeight(weight: Weight): CompiledWeight {
  return weight as CompiledWeight;
}

export function mapOf(map: FeatureMap): CompiledFeatureMap {
  return map as CompiledFeatureMap;
}

export function cacheOf(cache: KvCache): CompiledKvCache {
  return cache as CompiledKvCache;
}

import { QwenAsrError } from '../../error.js';
import type { FeatureMap, KvCache, Tensor, Weight } from '../operators.js';
import {
  type CompiledFeatureMap,
  type CompiledKvCache,
  CompiledTensor,
  type ElementType,
} from './compiledTensor.js';
import type { CompiledWeight } from './compiledWeight.js';

/*
 * The handles that stages pass around, as this backend made them. Mixing backends is a programming error, which the
 * tensor check catches; the other handles only ever reach an operator together with tensors.
 */

export function tensorOf(tensor: Tensor): CompiledTensor {
  if (tensor instanceof CompiledTensor) return tensor;
  throw new QwenAsrError('internal', `${tensor.label}: expected a tensor of the compiled backend`);
}

/** @throws QwenAsrError `internal` for elements that a kernel would take for others */
export function operandOf(tensor: Tensor, element: ElementType): CompiledTensor {
  const operand = tensorOf(tensor);
  if (operand.element === element) return operand;
  throw new QwenAsrError('internal', `${tensor.label}: expected ${element}, found ${operand.element}`);
}

/** @throws QwenAsrError `internal` for a weight that was placed for another use, or by another backend */
export function weightOf(weight: Weight, layout: CompiledWeight['layout']): CompiledWeight {
  const placed = weight as CompiledWeight;
  if (placed.layout === layout) return placed;
  throw new QwenAsrError('internal', `${weight.name}: expected a ${layout}, found ${placed.layout}`);
}

export function mapOf(map: FeatureMap): CompiledFeatureMap {
  return map as CompiledFeatureMap;
}

export function cacheOf(cache: KvCache): CompiledKvCache {
  return cache as CompiledKvCache;
}

import type { ModelTensors } from './modelTensors.js';
import { type PublishedModel, publishedTensors } from './published/publishedModel.js';
import { qwen3Asr06B } from './published/qwen3Asr06B.js';
import { qwen3Asr17B } from './published/qwen3Asr17B.js';
import { canonicalName } from './tensorNames.js';

export const PUBLISHED_MODELS: readonly PublishedModel[] = [qwen3Asr06B, qwen3Asr17B];

/**
 * Which published model has these tensors, judged by names and shapes in either layout; dtypes may differ, and a head
 * that repeats the embedding may be absent. Says nothing about the values: a synthetic model has published shapes too.
 *
 * @returns null when it is none of them.
 *
 * @example
 * identifyModel((await readModelDirectory('models/demo')).tensors); // null
 */
export function identifyModel(tensors: ModelTensors): PublishedModel | null {
  return PUBLISHED_MODELS.find((model) => hasItsTensors(tensors, model)) ?? null;
}

function hasItsTensors(tensors: ModelTensors, model: PublishedModel): boolean {
  const expected = publishedTensors(model);
  const names = new Set(expected.map((tensor) => canonicalName(tensor.name, 'original')));
  for (const name of tensors.byName.keys()) if (!names.has(name)) return false;
  return expected.every(({ name, shape }) => {
    const canonical = canonicalName(name, 'original') ?? name;
    const found = tensors.byName.get(canonical);
    if (found === undefined) return canonical === 'lm_head.weight';
    return found.shape.length === shape.length && shape.every((size, axis) => size === found.shape[axis]);
  });
}

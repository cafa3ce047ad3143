import type { Backend } from '../ops/operators.js';
import { storedParts } from '../ops/parameter.js';
import type { ModelTensors } from './modelTensors.js';
import type { WeightForms } from './weightForms.js';

/**
 * Whether the stored head holds the embedding's bytes once more. The published 0.6B stores it twice.
 *
 * @param same compares two arrays
 */
export async function repeatsEmbedding(
  tensors: ModelTensors,
  same: (a: Uint8Array, b: Uint8Array) => boolean | Promise<boolean>,
): Promise<boolean> {
  const [head, embedding] = ['lm_head.weight', 'model.embed_tokens.weight'].map((name) => {
    return tensors.byName.get(name);
  });
  if (head === undefined || embedding === undefined || head.dtype !== embedding.dtype) return false;
  const others = storedParts(head);
  for (const [i, { bytes }] of storedParts(embedding).entries()) {
    if (!(await same(bytes, others[i]!.bytes))) return false;
  }
  return true;
}

/**
 * Whether one copy serves head and embedding. What is used where it lies costs no memory twice: comparing it would cost
 * more. What is staged was compared when it was listed.
 */
export async function sharesEmbedding(
  tensors: ModelTensors,
  forms: Pick<WeightForms, 'of'>,
  backend: Pick<Backend, 'sameBytes'>,
): Promise<boolean> {
  const head = tensors.byName.get('lm_head.weight');
  if (head === undefined || tensors.isStaged || forms.of('lm_head.weight', head) === undefined) return false;
  return repeatsEmbedding(tensors, (a, b) => backend.sameBytes(a, b));
}

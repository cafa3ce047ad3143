import type { ModelConfig } from '../model/config.js';
import type { ModelFiles } from '../model/readModelFolder.js';
import { sharesEmbedding } from '../model/repeatedHead.js';
import type { WeightForms } from '../model/weightForms.js';
import {
  type DecoderWeights,
  type EncoderWeights,
  loadDecoderWeights,
  loadEncoderWeights,
} from '../model/weights.js';
import type { Backend } from '../ops/operators.js';
import { nextTurn } from '../runtime/nextTurn.js';

/** The weights of a model's stages. */
export interface PlacedModel {
  readonly encoderWeights: EncoderWeights;
  readonly decoderWeights: DecoderWeights;
}

/**
 * Places a model's weights in a backend. The decoder's, most of all, are packed by the backend's threads while this one
 * moves the channels of the encoder's convolutions.
 *
 * @throws QwenAsrError `model`, `memory`, `aborted`; nothing of the files is then in use
 */
export async function placeModel(
  files: Pick<ModelFiles, 'tensors' | 'staged'>,
  { encoder, decoder }: ModelConfig,
  { backend, forms, signal }: { backend: Backend; forms: WeightForms; signal: AbortSignal | undefined },
): Promise<PlacedModel> {
  const { tensors, staged } = files;
  await staged?.placeIn(backend, signal);
  const isShared = !decoder.tied && (await sharesEmbedding(tensors, forms, backend));
  const decoderWeights = loadDecoderWeights(tensors, decoder, backend, forms, isShared);
  const packing = backend.placeWeights(signal);
  packing.catch(() => {}); // it is awaited, but not before the encoder's are placed
  try {
    await nextTurn(); // the threads begin
    const encoderWeights = loadEncoderWeights(tensors, encoder, decoder.hidden, backend, forms);
    await packing;
    await backend.placeWeights(signal);
    return { encoderWeights, decoderWeights };
  } finally {
    await packing.catch(() => {}); // the files are the caller's to release
  }
}

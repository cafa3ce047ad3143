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

const EMBEDDING = 'model.embed_tokens.weight';

/** The weights of a model's stages. */
export interface PlacedModel {
  readonly encoderWeights: EncoderWeights;
  readonly decoderWeights: DecoderWeights;
}

/**
 * Places a model's weights in a backend. Its threads compare and pack the largest first; meanwhile this one places the
 * others, and moves the channels of the encoder's convolutions.
 *
 * @param build makes the model of them while threads still pack: nothing may run on the backend yet
 * @throws QwenAsrError `model`, `memory`, `aborted`; nothing of the files is then in use
 */
export async function placeModel<Model>(
  files: Pick<ModelFiles, 'tensors' | 'staged'>,
  { encoder, decoder }: ModelConfig,
  { backend, forms, signal }: { backend: Backend; forms: WeightForms; signal: AbortSignal | undefined },
  build: (placed: PlacedModel) => Model,
): Promise<Model> {
  const { tensors, staged } = files;
  await staged?.placeIn(backend, signal);
  const begun: Promise<unknown>[] = [];
  const begin = <T>(work: Promise<T>): Promise<T> => {
    work.catch(() => {}); // it is awaited, but not before more is placed
    begun.push(work);
    return work;
  };
  try {
    const sharing = begin(decoder.tied ? Promise.resolve(false) : sharesEmbedding(tensors, forms, backend));
    const embedding = tensors.require(EMBEDDING);
    backend.weight(embedding, 'matrix', forms.of(EMBEDDING, embedding));
    begin(backend.placeWeights(signal));
    await nextTurn(); // the threads begin
    const encoderWeights = loadEncoderWeights(tensors, encoder, decoder.hidden, backend, forms);
    const decoderWeights = loadDecoderWeights(tensors, decoder, backend, forms, await sharing);
    begin(backend.placeWeights(signal));
    await nextTurn(); // the rest is next
    const model = build({ encoderWeights, decoderWeights });
    await Promise.all(begun);
    return model;
  } finally {
    await Promise.allSettled(begun); // the files are the caller's to release
  }
}

import { QwenAsrError } from '../error.js';
import type { Parameter } from '../ops/parameter.js';
import { makePause } from './makePause.js';
import type { ModelFiles } from './modelFiles.js';
import { ModelTensors } from './modelTensors.js';
import { checkSyntheticSeed, formatSyntheticName, type SyntheticModelName } from './syntheticName.js';
import { elementCount, type SyntheticTensor, syntheticShards } from './syntheticTensors.js';
import { SYNTHETIC_MERGES, syntheticConfig, syntheticVocabulary } from './syntheticTexts.js';
import { WeightGenerator } from './weightGenerator.js';

/** Elements drawn between two looks at the clock: a few milliseconds. */
const PIECE_ELEMENTS = 2 ** 20;

export interface SynthesizeOptions extends SyntheticModelName {
  readonly signal?: AbortSignal;
}

/**
 * Makes a model of random weights in memory: published names, shapes and dtype, so that a machine can be timed without
 * a download. The same size and seed give the same bytes everywhere, and the same as writeSynthetic puts into files.
 *
 * Yields to the event loop while it works. The head shares the embedding's memory.
 *
 * @throws QwenAsrError `usage` (seed), `memory`, `aborted`.
 *
 * @example
 * const files = await synthesizeModel({ size: 'tiny', seed: 1 });
 * files.tensors.require('model.norm.weight').shape; // [128]
 */
export async function synthesizeModel({ size, seed, signal }: SynthesizeOptions): Promise<ModelFiles> {
  const source = formatSyntheticName({ size, seed });
  const generator = new WeightGenerator(checkSyntheticSeed(seed));
  const parameters: Parameter[] = [];
  const pause = makePause(`${source}: loading was aborted`, signal);
  let embedding: Uint16Array | undefined;
  for (const tensor of syntheticShards(size).flatMap((shard) => shard.tensors)) {
    let values = tensor.kind === 'head' ? embedding : undefined;
    if (values === undefined) {
      values = allocate(tensor, source);
      await drawValues(generator, tensor, values, pause);
    }
    if (tensor.kind === 'embedding') embedding = values;
    const bytes = new Uint8Array(values.buffer);
    parameters.push({ name: tensor.name, shape: tensor.shape, dtype: 'bf16', bytes });
  }
  return {
    source,
    synthetic: true,
    fileNames: [],
    tensors: new ModelTensors(source, parameters),
    configJson: syntheticConfig(size),
    tokenizerFiles: { vocabJson: syntheticVocabulary(), mergesTxt: SYNTHETIC_MERGES },
    release: () => {},
  };
}

function allocate(tensor: SyntheticTensor, source: string): Uint16Array<ArrayBuffer> {
  const count = elementCount(tensor);
  try {
    return new Uint16Array(count);
  } catch (cause) {
    throw new QwenAsrError('memory', `${source}: cannot allocate ${2 * count} bytes`, { cause });
  }
}

/** The values are stored in the machine's own byte order, which is little-endian wherever Node runs. */
async function drawValues(
  generator: WeightGenerator,
  tensor: SyntheticTensor,
  values: Uint16Array,
  pause: () => Promise<void>,
): Promise<void> {
  generator.select(tensor);
  for (let start = 0; start < values.length; start += PIECE_ELEMENTS) {
    generator.fill(values.subarray(start, start + PIECE_ELEMENTS));
    await pause();
  }
}

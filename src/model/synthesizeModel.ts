import { QwenAsrError } from '../error.js';
import { f32Bits, narrowToBf16 } from '../jit/numberFormats.js';
import type { Parameter } from '../ops/parameter.js';
import { makePause } from '../runtime/nextTurn.js';
import { ModelTensors } from './modelTensors.js';
import type { ModelFiles } from './readModelFolder.js';
import { checkSyntheticSeed, formatSyntheticName, type SyntheticModelName } from './syntheticName.js';
import { elementCount, type SyntheticTensor, syntheticShards } from './syntheticTensors.js';
import { SYNTHETIC_MERGES, syntheticConfig, syntheticVocabulary } from './syntheticTexts.js';

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

/** Knuth's multiplicative hash constant, ⌊2^32/φ⌋: spreads small seeds over the state. */
const SEED_MULTIPLIER = 2654435761;

/** Values a tensor can take: the 16 random bits of a draw choose one. */
const TABLE_SIZE = 65536;

/**
 * The random bf16 values of synthetic models. One 32-bit xorshift sequence (Marsaglia, shifts 13, 17, 5) runs through
 * all tensors in their order; 16 bits of each draw choose a value of a uniform distribution, rounded to bf16.
 *
 * @example
 * const generator = new WeightGenerator(1);
 * generator.select({ name: 'b', shape: [4], kind: 'bias' });
 * generator.fill(new Uint16Array(4)); // four bf16 values in (-0.02, 0.02)
 */
export class WeightGenerator {
  /** State of the sequence: save it to draw the same values again. Never 0, which xorshift would keep. */
  state: number;
  /** [65536] bf16: values of the selected tensor in rising order. */
  readonly #table = new Uint16Array(TABLE_SIZE);

  constructor(seed: number) {
    this.state = (seed * SEED_MULTIPLIER) >>> 0 || 1;
  }

  /** Chooses the distribution of the next values. */
  select(tensor: SyntheticTensor): void {
    const centre = tensor.kind === 'norm' ? 1 : 0;
    const halfWidth = halfWidthOf(tensor);
    for (let i = 0; i < TABLE_SIZE; i++) {
      this.#table[i] = narrowToBf16(f32Bits(centre + halfWidth * ((2 * (i + 0.5)) / TABLE_SIZE - 1)));
    }
  }

  /** Writes the next values. A tensor may be filled in pieces. */
  fill(values: Uint16Array): void {
    const table = this.#table;
    let state = this.state;
    for (let i = 0; i < values.length; i++) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      values[i] = table[(state >>> 8) & 0xffff]!;
    }
    this.state = state;
  }
}

/**
 * Half the width of a tensor's uniform distribution. Matrices get variance 1/fan-in, so activations keep their size
 * through the layers; embeddings a standard deviation of 0.03, as trained ones have.
 */
function halfWidthOf({ kind, shape }: SyntheticTensor): number {
  switch (kind) {
    case 'weight':
      return Math.sqrt(3 / shape.slice(1).reduce((product, size) => product * size, 1));
    case 'embedding':
    case 'head':
      return 0.03 * Math.sqrt(3);
    case 'bias':
      return 0.02;
    case 'norm':
      return 0.1;
  }
}

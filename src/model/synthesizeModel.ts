import { QwenAsrError } from '../error.js';
import { f32Bits, narrowToBf16 } from '../jit/numberFormats.js';
import type { Parameter } from '../ops/parameter.js';
import { makePause } from '../runtime/nextTurn.js';
import { ModelTensors } from './modelTensors.js';
import { INDEX_FILE, type ModelFiles } from './readModelFolder.js';
import { safetensorsHead } from './safetensors.js';
import {
  checkSyntheticSeed,
  formatSyntheticName,
  type SyntheticModelName,
  type SyntheticSize,
} from './syntheticName.js';
import {
  elementCount,
  SYNTHETIC_MERGES,
  type SyntheticShard,
  type SyntheticTensor,
  syntheticConfig,
  syntheticShards,
  syntheticVocabulary,
} from './syntheticParts.js';
import { Draft, prepareModelFolder } from './writeWhole.js';

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

export interface WriteSyntheticOptions extends SyntheticModelName {
  /** Made when it does not exist. */
  readonly directory: string;
  /** Replace files of the same names; without it a directory that holds any of them is an error. */
  readonly overwrite?: boolean;
  readonly onProgress?: (progress: { readonly writtenBytes: number; readonly totalBytes: number }) => void;
  readonly signal?: AbortSignal;
}

/**
 * Writes a synthetic model as a model directory: safetensors (sharded as published), config.json, vocab.json and
 * merges.txt. A file gets its name when it is complete, so an interrupted run leaves no broken one.
 *
 * @throws QwenAsrError `usage` (seed, no directory), `file` (not writable, or already a model directory), `aborted`.
 *
 * @example
 * await writeSynthetic({ size: 'tiny', seed: 1, directory: '/tmp/tiny' });
 */
export async function writeSynthetic(options: WriteSyntheticOptions): Promise<void> {
  const { directory, signal, onProgress } = options;
  const { fileNames, totalBytes } = syntheticFileList(options.size);
  await prepareModelFolder(directory, options.overwrite === true ? [] : fileNames);
  let file: Draft | null = null;
  let writtenBytes = 0;
  try {
    for (const { fileName, bytes } of syntheticFiles(options)) {
      if (signal?.aborted) throw new QwenAsrError('aborted', `${directory}: writing was aborted`);
      if (file?.fileName !== fileName) {
        await file?.finish();
        file = await Draft.create(directory, fileName);
      }
      await file.write(bytes);
      writtenBytes += bytes.length;
      onProgress?.({ writtenBytes, totalBytes });
    }
    await file?.finish();
  } catch (error) {
    await file?.discard();
    throw error;
  }
}

/** Bytes of one bf16 value. */
const BF16_BYTES = 2;

/** Values made at once, so that a file of gigabytes needs 8 MB. */
const PIECE_VALUES = 4 * 2 ** 20;

/** The next bytes of a file. `bytes` is valid until the next piece is asked for. */
export interface FilePiece {
  readonly fileName: string;
  readonly bytes: Uint8Array;
}

/**
 * All files of a synthetic model directory, one after the other, in pieces.
 *
 * @throws QwenAsrError `usage` for an impossible seed.
 *
 * @example
 * for (const { fileName, bytes } of syntheticFiles({ size: 'tiny', seed: 1 })) console.log(fileName, bytes.length);
 */
export function* syntheticFiles({ size, seed }: SyntheticModelName): Generator<FilePiece, void> {
  const generator = new WeightGenerator(checkSyntheticSeed(seed));
  const piece = new Uint16Array(PIECE_VALUES);
  const embeddingState = { value: 0 };
  for (const shard of syntheticShards(size)) {
    yield { fileName: shard.fileName, bytes: shardHead(shard) };
    yield* shardValues(shard, generator, embeddingState, piece);
  }
  for (const [fileName, text] of textFiles(size)) yield { fileName, bytes: new TextEncoder().encode(text) };
}

/**
 * Names and sum of the sizes of what syntheticFiles makes.
 *
 * @example
 * syntheticFileList('1.7b').totalBytes; // 4698521400 and the text files
 */
export function syntheticFileList(size: SyntheticSize): { fileNames: string[]; totalBytes: number } {
  const fileNames: string[] = [];
  let totalBytes = 0;
  for (const shard of syntheticShards(size)) {
    fileNames.push(shard.fileName);
    totalBytes += shardHead(shard).length + BF16_BYTES * countElements(shard);
  }
  for (const [fileName, text] of textFiles(size)) {
    fileNames.push(fileName);
    totalBytes += new TextEncoder().encode(text).length;
  }
  return { fileNames, totalBytes };
}

/** The head repeats the embedding, which may lie gigabytes back: it is drawn again from the state it began with. */
function* shardValues(
  shard: SyntheticShard,
  generator: WeightGenerator,
  embeddingState: { value: number },
  piece: Uint16Array,
): Generator<FilePiece, void> {
  for (const tensor of shard.tensors) {
    const { state } = generator;
    if (tensor.kind === 'embedding') embeddingState.value = state;
    if (tensor.kind === 'head') generator.state = embeddingState.value;
    generator.select(tensor);
    for (let left = elementCount(tensor); left > 0; left -= piece.length) {
      const values = piece.subarray(0, Math.min(left, piece.length));
      generator.fill(values);
      yield {
        fileName: shard.fileName,
        bytes: new Uint8Array(values.buffer, 0, BF16_BYTES * values.length),
      };
    }
    if (tensor.kind === 'head') generator.state = state;
  }
}

function shardHead({ tensors }: SyntheticShard): Uint8Array {
  const toWrite = tensors.map((tensor) => ({
    name: tensor.name,
    dtype: 'BF16' as const,
    shape: tensor.shape,
    byteLength: BF16_BYTES * elementCount(tensor),
  }));
  return safetensorsHead(toWrite, 'pt');
}

function textFiles(size: SyntheticSize): [fileName: string, text: string][] {
  const shards = syntheticShards(size);
  const index: [string, string][] = shards.length === 1 ? [] : [[INDEX_FILE, shardIndex(shards)]];
  return [
    ...index,
    ['config.json', syntheticConfig(size)],
    ['vocab.json', syntheticVocabulary()],
    ['merges.txt', SYNTHETIC_MERGES],
  ];
}

function shardIndex(shards: readonly SyntheticShard[]): string {
  const weightMap: Record<string, string> = {};
  for (const shard of shards) {
    for (const tensor of shard.tensors) weightMap[tensor.name] = shard.fileName;
  }
  const elements = shards.reduce((sum, shard) => sum + countElements(shard), 0);
  return JSON.stringify({ metadata: { total_size: BF16_BYTES * elements }, weight_map: weightMap });
}

function countElements(shard: SyntheticShard): number {
  return shard.tensors.reduce((sum, tensor) => sum + elementCount(tensor), 0);
}

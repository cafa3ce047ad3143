import { QwenAsrError } from '../error.js';
import { safetensorsHead } from './safetensors.js';
import { WeightGenerator } from './synthesizeModel.js';
import { checkSyntheticSeed, type SyntheticModelName, type SyntheticSize } from './syntheticName.js';
import { elementCount, type SyntheticShard, syntheticShards } from './syntheticTensors.js';
import { SYNTHETIC_MERGES, syntheticConfig, syntheticVocabulary } from './syntheticTexts.js';
import { INDEX_FILE } from './weightFiles.js';
import { Draft, prepareModelFolder } from './writeWhole.js';

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

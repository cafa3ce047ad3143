import { QwenAsrError } from '../error.js';
import { describeValue, quote } from './describe.js';
import { parseObject } from './modelText.js';

/** Which safetensors files of a directory hold the weights. */
export interface WeightFiles {
  /** Plain file names inside the directory. */
  readonly fileNames: readonly string[];
  /** Tensor name → file name, when an index says so. */
  readonly fileOfTensor: ReadonlyMap<string, string> | null;
}

export const SINGLE_FILE = 'model.safetensors';
export const INDEX_FILE = 'model.safetensors.index.json';

/**
 * Chooses the weight files: `model.safetensors`, else the shards that the index names, else every `*.safetensors`.
 *
 * @param names Names of everything in the directory.
 * @param readIndex Gives the text of the index file; only called when there is one and it is needed.
 * @throws QwenAsrError `model` when there is no weight file, or the index is not usable.
 *
 * @example
 * await findWeightFiles('dir', ['a.safetensors'], async () => ''); // { fileNames: ['a.safetensors'], … }
 */
export async function findWeightFiles(
  directory: string,
  names: readonly string[],
  readIndex: () => Promise<string>,
): Promise<WeightFiles> {
  if (names.includes(SINGLE_FILE)) return { fileNames: [SINGLE_FILE], fileOfTensor: null };
  if (names.includes(INDEX_FILE)) {
    return readShardIndex(await readIndex(), names, `${directory}/${INDEX_FILE}`);
  }
  const fileNames = names.filter(isPlainWeightFile).sort();
  if (fileNames.length === 0) {
    throw new QwenAsrError('model', `${directory}: expected a *.safetensors file, found none`);
  }
  return { fileNames, fileOfTensor: null };
}

/** `{"weight_map": {TENSOR: FILE, …}}`, as written by the Hugging Face libraries. */
function readShardIndex(text: string, present: readonly string[], where: string): WeightFiles {
  const index = parseObject(text, where);
  const weightMap = index['weight_map'];
  if (typeof weightMap !== 'object' || weightMap === null || Array.isArray(weightMap)) {
    throw new QwenAsrError(
      'model',
      `${where}: expected weight_map to be an object, found ${describeValue(weightMap)}`,
    );
  }
  const presentNames = new Set(present);
  const fileOfTensor = new Map<string, string>();
  for (const [tensor, file] of Object.entries(weightMap)) {
    fileOfTensor.set(tensor, checkShardName(file, tensor, presentNames, where));
  }
  if (fileOfTensor.size === 0) throw new QwenAsrError('model', `${where}: weight_map names no tensors`);
  return { fileNames: [...new Set(fileOfTensor.values())].sort(), fileOfTensor };
}

/** A shard must be a file of this directory: an index must not make us open anything else. */
function checkShardName(file: unknown, tensor: string, present: ReadonlySet<string>, where: string): string {
  if (typeof file !== 'string' || !isPlainWeightFile(file)) {
    throw new QwenAsrError(
      'model',
      `${where}: tensor ${quote(tensor)}: expected the name of a .safetensors file beside the index, found ${describeValue(file)}`,
    );
  }
  if (!present.has(file)) {
    throw new QwenAsrError('model', `${where}: file ${quote(file)} is missing, it holds ${quote(tensor)}`);
  }
  return file;
}

/** A .safetensors name without folders, and without control characters, which must not reach a terminal. */
function isPlainWeightFile(name: string): boolean {
  return name.endsWith('.safetensors') && !/[/\\\p{Cc}]/u.test(name);
}

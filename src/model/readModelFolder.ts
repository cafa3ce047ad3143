import { QwenAsrError } from '../error.js';
import { type PlainParameter, STORAGE_BYTES, type StorageDtype } from '../ops/parameter.js';
import { assembleAffine, type WordTensor } from './affineTensors.js';
import { describeValue, quote } from './describe.js';
import { ModelTensors, type UnsupportedTensor } from './modelTensors.js';
import { isObject, parseObject } from './modelText.js';
import { MAX_HEADER_BYTES, parseSafetensors, type SafetensorsEntry } from './safetensors.js';
import {
  type FileInParts,
  type ListedTensors,
  type StagedWeights,
  type StagingOptions,
  stageTensors,
  type TensorSource,
} from './stagedTensors.js';
import { expectedPrecision } from './weightForms.js';

/** Text files of a model directory that a tokenizer is made of, as far as present. */
export interface TokenizerFiles {
  /** Its text, or that in UTF-8, which need not be decoded to be read. */
  readonly vocabJson?: string | Uint8Array;
  readonly mergesTxt?: string;
  readonly tokenizerConfigJson?: string;
  readonly tokenizerJson?: string;
}

/** A model before anything is interpreted: read from a directory or synthesized. */
export interface ModelFiles {
  /** The directory, or `synthetic:SIZE:SEED`; messages begin with it. */
  readonly source: string;
  readonly synthetic: boolean;
  /** Names of the files that were read, in that order; none for a synthetic model. */
  readonly fileNames: readonly string[];
  readonly tensors: ModelTensors;
  /** Matrices of `tensors` to be placed before all others; absent where their bytes are all in memory. */
  readonly staged?: StagedWeights;
  readonly configJson?: string;
  readonly generationConfigJson?: string;
  readonly processorConfigJson?: string;
  readonly tokenizerFiles: TokenizerFiles;
  /** Gives the files' memory back; the tensors must not be used afterwards. Calling it twice is harmless. */
  release(): void;
}

/**
 * The bytes of a weight file, read or memory-mapped. A buffer and not one Uint8Array, because Node 20 has no typed array
 * of more than 2^32 elements, and a 1.7B model in one file has more bytes.
 */
export interface FileBytes {
  /** Holds the file from `byteOffset` on. Nobody writes to it. */
  readonly buffer: ArrayBufferLike;
  /** Where the file starts in `buffer`; a multiple of 64. */
  readonly byteOffset: number;
  readonly byteLength: number;
  /** Gives the memory back; views of `buffer` must not be used afterwards. */
  release(): void;
}

/** Room for a file: as many bytes as it has, of `buffer` from `byteOffset` on. */
export interface Place {
  readonly buffer: ArrayBufferLike;
  readonly byteOffset: number;
}

/** Text that has been read, and is known to be UTF-8. */
export interface Utf8Text {
  readonly bytes: Uint8Array;
  decode(): string;
}

/** The files of one model, wherever they lie: in a directory, behind an address, or chosen by a visitor of a page. */
export interface ModelFolder {
  /** Names the model; messages begin with it. */
  readonly source: string;
  /** Names of all files in it. */
  readonly names: readonly string[];
  /** How messages name one of the files. */
  pathOf(name: string): string;
  /** @throws QwenAsrError `file`; `model` when it is too large or not UTF-8 */
  readText(name: string): Promise<Utf8Text>;
  /** @throws QwenAsrError `file`, `memory`, `aborted` */
  openWeights(name: string): Promise<FileBytes>;
  /** The same to be read in parts; absent where files come from their first byte to their last. */
  readonly openParts?: ((name: string) => Promise<FileInParts>) | undefined;
}

/** Text files that are read as far as present, and what they are called in ModelFiles. */
export const TEXT_FILES = {
  configJson: 'config.json',
  generationConfigJson: 'generation_config.json',
  processorConfigJson: 'processor_config.json',
  vocabJson: 'vocab.json',
  mergesTxt: 'merges.txt',
  tokenizerConfigJson: 'tokenizer_config.json',
  tokenizerJson: 'tokenizer.json',
} as const;

/** The dtypes of safetensors that the backends widen. */
const STORAGE_DTYPES: ReadonlyMap<string, StorageDtype> = new Map([
  ['BF16', 'bf16'],
  ['F16', 'f16'],
  ['F32', 'f32'],
]);

/**
 * Reads a model: its weights (one file or shards, either layout of names), config.json, generation_config.json and
 * processor_config.json as far as present, and the tokenizer's files. Nothing is interpreted beyond the containers.
 *
 * @throws QwenAsrError `model` (not the files of a model), `aborted`, and what the folder throws.
 *
 * @example
 * const files = await readModelFolder(folder);
 * console.log(files.tensors.parameterCount);
 * files.release();
 */
export async function readModelFolder(
  folder: ModelFolder,
  signal?: AbortSignal,
  staging?: StagingOptions,
): Promise<ModelFiles> {
  const { source, names } = folder;
  const weightFiles = await findWeightFiles(source, names, async () =>
    (await folder.readText(INDEX_FILE)).decode(),
  );
  const { configJson, generationConfigJson, processorConfigJson } = await readTexts(folder, CONFIG_KEYS);
  const tokenizerFiles: TokenizerFiles = await readTexts(folder, TOKENIZER_KEYS);
  if (!('vocabJson' in tokenizerFiles || 'tokenizerJson' in tokenizerFiles)) {
    throw new QwenAsrError('model', `${source}: expected vocab.json or tokenizer.json, found neither`);
  }
  const opened: (() => void)[] = [];
  const release = () => {
    for (const close of opened.splice(0)) close();
  };
  const isStaged =
    staging !== undefined && folder.openParts !== undefined && hasIntegers(configJson, staging);
  const open = async (name: string): Promise<OpenedWeights> => {
    const file = await (isStaged ? openInParts : openWhole)(folder, name);
    opened.push(file.release);
    return file;
  };
  try {
    const listed = await listTensors(folder, weightFiles, configJson, open, signal);
    const { source, parameters, unsupported } = listed;
    const { tensors, staged } = isStaged
      ? await stageTensors(listed, staging)
      : { tensors: new ModelTensors(source, parameters, unsupported), staged: undefined };
    return {
      source,
      synthetic: false,
      fileNames: [
        ...weightFiles.fileNames,
        ...Object.values(TEXT_FILES).filter((name) => names.includes(name)),
      ],
      tensors,
      ...(staged === undefined ? {} : { staged }),
      ...(configJson === undefined ? {} : { configJson }),
      ...(generationConfigJson === undefined ? {} : { generationConfigJson }),
      ...(processorConfigJson === undefined ? {} : { processorConfigJson }),
      tokenizerFiles,
      release,
    };
  } catch (error) {
    release();
    throw error;
  }
}

const CONFIG_KEYS = ['configJson', 'generationConfigJson', 'processorConfigJson'] as const;
const TOKENIZER_KEYS = ['vocabJson', 'mergesTxt', 'tokenizerConfigJson', 'tokenizerJson'] as const;

/**
 * Texts as far as present, decoded when they are first asked for: loading a model needs none of its tokenizer's. The
 * vocabulary stays as it is.
 */
async function readTexts<Key extends keyof typeof TEXT_FILES>(
  folder: ModelFolder,
  all: readonly Key[],
): Promise<{ [K in Key]?: string }> {
  const keys = all.filter((key) => folder.names.includes(TEXT_FILES[key]));
  const reads = keys.map((key) => folder.readText(TEXT_FILES[key]));
  await Promise.allSettled(reads); // of several errors the first file's is told
  const texts: { [K in Key]?: string } = {};
  for (const [i, key] of keys.entries()) {
    const found = await reads[i]!;
    let value: string | Uint8Array | undefined = key === 'vocabJson' ? found.bytes : undefined;
    const get = (): string | Uint8Array => {
      value ??= found.decode();
      return value;
    };
    Object.defineProperty(texts, key, { get, enumerable: true });
  }
  return texts;
}

function hasIntegers(configJson: string | undefined, { precision, operand }: StagingOptions): boolean {
  return ['int8', 'int4'].includes(expectedPrecision(configJson, precision, operand));
}

/** A weight file, and how the bytes of its tensors come into memory. */
interface OpenedWeights {
  /** The header at least. */
  readonly head: Uint8Array;
  readonly byteLength: number;
  bytesOf(entry: SafetensorsEntry, elementBytes: number): Promise<Uint8Array>;
  /** Of the last bytes that were asked for: where they are, if they or another of their kind are read later. */
  sourceOf(entry: SafetensorsEntry): TensorSource | null;
  readonly release: () => void;
}

async function openWhole(folder: ModelFolder, name: string): Promise<OpenedWeights> {
  const file = await folder.openWeights(name);
  const { buffer, byteOffset, byteLength } = file;
  return {
    head: new Uint8Array(buffer, byteOffset, Math.min(byteLength, MAX_HEADER_BYTES + 8)),
    byteLength,
    bytesOf: async (entry, elementBytes) => bytesOf(entry, elementBytes, file),
    sourceOf: () => null,
    release: () => file.release(),
  };
}

/** Matrices of weights stay where they are. */
async function openInParts(folder: ModelFolder, name: string): Promise<OpenedWeights> {
  const file = await folder.openParts!(name);
  const { byteLength } = file;
  const isMatrix = ({ name: tensor, shape }: SafetensorsEntry) =>
    shape.length === 2 && tensor.endsWith('.weight');
  const part = async (start: number, end: number): Promise<Uint8Array> => {
    const bytes = new Uint8Array(end - start);
    await file.read(start, bytes);
    return bytes;
  };
  return {
    head: await headOf(byteLength, part),
    byteLength,
    bytesOf: async (entry) => (isMatrix(entry) ? new Uint8Array() : part(entry.start, entry.end)),
    sourceOf: (entry) =>
      entry.shape.length === 2 ? { file, start: entry.start, byteLength: entry.end - entry.start } : null,
    release: () => void file.close().catch(() => {}),
  };
}

/** As much of a file as its header takes, if it has one of a size that can be. */
async function headOf(
  byteLength: number,
  part: (start: number, end: number) => Promise<Uint8Array>,
): Promise<Uint8Array> {
  const prefix = await part(0, Math.min(8, byteLength));
  if (prefix.length < 8) return prefix;
  const headerBytes = Number(new DataView(prefix.buffer).getBigUint64(0, true));
  return headerBytes > MAX_HEADER_BYTES ? prefix : part(0, Math.min(byteLength, 8 + headerBytes));
}

async function listTensors(
  folder: ModelFolder,
  weightFiles: WeightFiles,
  configJson: string | undefined,
  openWeights: (name: string) => Promise<OpenedWeights>,
  signal: AbortSignal | undefined,
): Promise<ListedTensors> {
  const { source } = folder;
  const sources = new Map<Uint8Array, TensorSource>();
  const parameters: PlainParameter[] = [];
  const words: WordTensor[] = [];
  const unsupported: UnsupportedTensor[] = [];
  const fileOf = new Map<string, string>();
  for (const fileName of weightFiles.fileNames) {
    if (signal?.aborted) throw new QwenAsrError('aborted', `${source}: loading was aborted`);
    const file = await openWeights(fileName);
    for (const entry of parseSafetensors(file.head, file.byteLength, folder.pathOf(fileName))) {
      const other = fileOf.get(entry.name);
      if (other !== undefined) {
        throw new QwenAsrError(
          'model',
          `${source}: tensor ${quote(entry.name)} is in ${other} and in ${fileName}`,
        );
      }
      fileOf.set(entry.name, fileName);
      const dtype = STORAGE_DTYPES.get(entry.dtype);
      if (dtype === undefined && entry.dtype !== 'U32') {
        unsupported.push(entry);
        continue;
      }
      const bytes = await file.bytesOf(entry, dtype === undefined ? 4 : STORAGE_BYTES[dtype]);
      const from = file.sourceOf(entry);
      if (from !== null) sources.set(bytes, from);
      if (dtype === undefined) words.push({ ...entry, bytes });
      else parameters.push({ ...entry, dtype, bytes });
    }
  }
  checkIndex(source, weightFiles, fileOf);
  const { affine, plain, words: others } = assembleAffine(source, parameters, words, configJson);
  for (const { name, shape } of others) unsupported.push({ name, shape, dtype: 'U32' });
  return { source, parameters: [...plain, ...affine], unsupported, sources };
}

/** A view of the file where its alignment allows; an odd header length makes a copy necessary. */
function bytesOf({ start, end }: SafetensorsEntry, elementBytes: number, file: FileBytes): Uint8Array {
  const bytes = new Uint8Array(file.buffer, file.byteOffset + start, end - start);
  return start % elementBytes === 0 ? bytes : bytes.slice();
}

/** Every tensor that the index promises must be in the file that it names. */
function checkIndex(source: string, weightFiles: WeightFiles, fileOf: ReadonlyMap<string, string>): void {
  if (weightFiles.fileOfTensor === null) return;
  for (const [tensor, expected] of weightFiles.fileOfTensor) {
    if (fileOf.get(tensor) !== expected) {
      const found = fileOf.get(tensor) ?? 'no file';
      throw new QwenAsrError(
        'model',
        `${source}/${INDEX_FILE}: expected tensor ${quote(tensor)} in ${quote(expected)}, found it in ${found}`,
      );
    }
  }
}

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
  if (!isObject(weightMap)) {
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

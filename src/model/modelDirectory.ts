import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { QwenAsrError } from '../error.js';
import { type Parameter, STORAGE_BYTES, type StorageDtype } from '../ops/parameter.js';
import { quote } from './describe.js';
import { type FileBytes, fileError, type OpenFile, readFileBytes } from './fileBytes.js';
import type { ModelFiles } from './modelFiles.js';
import { ModelTensors, type UnsupportedTensor } from './modelTensors.js';
import { MAX_HEADER_BYTES, parseSafetensors, type SafetensorsEntry } from './safetensors.js';
import { findWeightFiles, INDEX_FILE, type WeightFiles } from './weightFiles.js';

/** Largest text file that is read. The published tokenizer.json has 11 MB, vocab.json 3 MB. */
const MAX_TEXT_BYTES = 32 * 2 ** 20;

/** Text files that are read as far as present, and what they are called in ModelFiles. */
const TEXT_FILES = {
  configJson: 'config.json',
  generationConfigJson: 'generation_config.json',
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
 * Reads a model directory: its weights (one file or shards, either layout of names), config.json and
 * generation_config.json as far as present, and the tokenizer's files. Nothing is interpreted beyond the containers.
 *
 * @param openFile How weight files come into memory; reads them by default.
 * @throws QwenAsrError `file` (missing or unreadable), `model` (not a model directory), `memory`, `aborted`.
 *
 * @example
 * const files = await readModelDirectory('models/demo');
 * console.log(files.tensors.parameterCount);
 * files.release();
 */
export async function readModelDirectory(
  directory: string,
  openFile: OpenFile = readFileBytes,
  signal?: AbortSignal,
): Promise<ModelFiles> {
  const names = await listDirectory(directory);
  const weightFiles = await findWeightFiles(directory, names, () => readTextFile(directory, INDEX_FILE));
  const { configJson, generationConfigJson, ...tokenizerFiles } = await readTexts(directory, names);
  if (tokenizerFiles.vocabJson === undefined && tokenizerFiles.tokenizerJson === undefined) {
    throw new QwenAsrError('model', `${directory}: expected vocab.json or tokenizer.json, found neither`);
  }
  const opened: FileBytes[] = [];
  const release = () => {
    for (const file of opened.splice(0)) file.release();
  };
  try {
    const tensors = await readTensors(
      directory,
      weightFiles,
      async (name) => {
        const file = await openFile(join(directory, name), signal);
        opened.push(file);
        return file;
      },
      signal,
    );
    return {
      source: directory,
      synthetic: false,
      fileNames: [
        ...weightFiles.fileNames,
        ...Object.values(TEXT_FILES).filter((name) => names.includes(name)),
      ],
      tensors,
      ...(configJson === undefined ? {} : { configJson }),
      ...(generationConfigJson === undefined ? {} : { generationConfigJson }),
      tokenizerFiles,
      release,
    };
  } catch (error) {
    release();
    throw error;
  }
}

async function listDirectory(directory: string): Promise<string[]> {
  try {
    if (!(await stat(directory)).isDirectory()) {
      throw new QwenAsrError('file', `${directory}: expected a model directory, found a file`);
    }
    return await readdir(directory);
  } catch (cause) {
    throw fileError(directory, cause);
  }
}

async function readTextFile(directory: string, name: string): Promise<string> {
  const path = join(directory, name);
  try {
    const status = await stat(path);
    if (!status.isFile()) throw new QwenAsrError('file', `${path}: expected a file, found something else`);
    if (status.size > MAX_TEXT_BYTES) {
      throw new QwenAsrError(
        'model',
        `${path}: expected at most ${MAX_TEXT_BYTES} bytes, found ${status.size}`,
      );
    }
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path));
  } catch (cause) {
    if (cause instanceof TypeError) throw new QwenAsrError('model', `${path}: not UTF-8 text`, { cause });
    throw fileError(path, cause);
  }
}

type Texts = { -readonly [K in keyof typeof TEXT_FILES]?: string };

async function readTexts(directory: string, names: readonly string[]): Promise<Texts> {
  const texts: Texts = {};
  for (const key of Object.keys(TEXT_FILES) as (keyof Texts)[]) {
    if (names.includes(TEXT_FILES[key])) texts[key] = await readTextFile(directory, TEXT_FILES[key]);
  }
  return texts;
}

async function readTensors(
  directory: string,
  weightFiles: WeightFiles,
  openWeights: (name: string) => Promise<FileBytes>,
  signal: AbortSignal | undefined,
): Promise<ModelTensors> {
  const parameters: Parameter[] = [];
  const unsupported: UnsupportedTensor[] = [];
  const fileOf = new Map<string, string>();
  for (const fileName of weightFiles.fileNames) {
    if (signal?.aborted) throw new QwenAsrError('aborted', `${directory}: loading was aborted`);
    const file = await openWeights(fileName);
    const head = new Uint8Array(
      file.buffer,
      file.byteOffset,
      Math.min(file.byteLength, MAX_HEADER_BYTES + 8),
    );
    for (const entry of parseSafetensors(head, file.byteLength, join(directory, fileName))) {
      const other = fileOf.get(entry.name);
      if (other !== undefined) {
        throw new QwenAsrError(
          'model',
          `${directory}: tensor ${quote(entry.name)} is in ${other} and in ${fileName}`,
        );
      }
      fileOf.set(entry.name, fileName);
      const dtype = STORAGE_DTYPES.get(entry.dtype);
      if (dtype === undefined) unsupported.push(entry);
      else parameters.push(toParameter(entry, dtype, file));
    }
  }
  checkIndex(directory, weightFiles, fileOf);
  return new ModelTensors(directory, parameters, unsupported);
}

/** A view of the file where its alignment allows; an odd header length makes a copy necessary. */
function toParameter(entry: SafetensorsEntry, dtype: StorageDtype, file: FileBytes): Parameter {
  const bytes = new Uint8Array(file.buffer, file.byteOffset + entry.start, entry.end - entry.start);
  const aligned = entry.start % STORAGE_BYTES[dtype] === 0;
  return { name: entry.name, shape: entry.shape, dtype, bytes: aligned ? bytes : bytes.slice() };
}

/** Every tensor that the index promises must be in the file that it names. */
function checkIndex(directory: string, weightFiles: WeightFiles, fileOf: ReadonlyMap<string, string>): void {
  if (weightFiles.fileOfTensor === null) return;
  for (const [tensor, expected] of weightFiles.fileOfTensor) {
    if (fileOf.get(tensor) !== expected) {
      const found = fileOf.get(tensor) ?? 'no file';
      throw new QwenAsrError(
        'model',
        `${directory}/${INDEX_FILE}: expected tensor ${quote(tensor)} in ${quote(expected)}, found it in ${found}`,
      );
    }
  }
}

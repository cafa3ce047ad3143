import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { QwenAsrError } from '../error.js';
import { type OpenFile, readFileBytes } from './fileBytes.js';
import { fileError } from './fileError.js';
import type { ModelFiles } from './modelFiles.js';
import { checkTextSize, decodeModelText } from './modelText.js';
import { readModelFolder } from './readModelFolder.js';

/**
 * Reads a model directory: see readModelFolder.
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
  const folder = {
    source: directory,
    names,
    pathOf: (name: string) => join(directory, name),
    readText: (name: string) => readTextFile(join(directory, name)),
    openWeights: (name: string) => openFile(join(directory, name), signal),
  };
  return readModelFolder(folder, signal);
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

async function readTextFile(path: string): Promise<string> {
  try {
    const status = await stat(path);
    if (!status.isFile()) throw new QwenAsrError('file', `${path}: expected a file, found something else`);
    checkTextSize(status.size, path);
    return decodeModelText(await readFile(path), path);
  } catch (cause) {
    throw fileError(path, cause);
  }
}

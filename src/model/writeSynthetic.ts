import { QwenAsrError } from '../error.js';
import { OpenOutput, prepareModelFolder } from './modelOutput.js';
import { syntheticFileList, syntheticFiles } from './syntheticFiles.js';
import type { SyntheticModelName } from './syntheticName.js';

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
  let file: OpenOutput | null = null;
  let writtenBytes = 0;
  try {
    for (const { fileName, bytes } of syntheticFiles(options)) {
      if (signal?.aborted) throw new QwenAsrError('aborted', `${directory}: writing was aborted`);
      if (file?.fileName !== fileName) {
        await file?.finish();
        file = await OpenOutput.create(directory, fileName);
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

import { QwenAsrError } from '../error.js';
import { checkOptions, checkThreadCount } from '../model/checkArguments.js';
import { describeArgument, kindOf } from '../model/describe.js';
import { fetchModelFiles } from '../model/fetchModelFiles.js';
import {
  folderOfFiles,
  givenModelFiles,
  isWeightFile,
  type ModelFile,
  type NamedBytes,
} from '../model/folderOfFiles.js';
import { type ModelFiles, readModelFolder } from '../model/readModelFolder.js';
import type { Backend } from '../ops/operators.js';
import {
  browserThreadCount,
  mostBrowserThreads,
  spawnBrowserParticipant,
} from '../runtime/browserThreads.js';
import { type BuildOptions, buildModel } from './buildModel.js';
import { checkWasmPrecision, openWasmBackend, threadNote } from './openWasmBackend.js';
import type { LoadOptions, SpeechModel } from './types.js';

/** How a browser loads a model. */
export interface LoadFromFilesOptions
  extends Pick<LoadOptions, 'threads' | 'precision' | 'onBackend' | 'signal'> {
  /** What messages call the model; default: its address, or `model`. */
  readonly name?: string;
  /** Told after every piece of weights how much of them has been read. */
  readonly onProgress?: (readBytes: number, totalBytes: number) => void;
}

/**
 * Loads a model in a browser, from files that the visitor has chosen or from a web server. It computes in WebAssembly, on
 * workers where the page is cross-origin isolated, else on the calling thread alone: call it in a worker then, so that the
 * page stays usable.
 *
 * @param source the address of a model directory, ending with a slash, or its files without those of its folders: those of
 * a file input, or `{ name, bytes }` with an ArrayBuffer, a view of one, a Blob or the Response of a fetch
 * @throws QwenAsrError `file` or `model` for files that are missing, unreadable or inconsistent; `usage` for a thread
 * count below 1 and what are no files; `unsupported` for a browser without 128-bit vectors; `memory`; `aborted`
 * @example
 * import { decodeWav, loadModelFromFiles } from 'qwen-asr';
 * const model = await loadModelFromFiles('https://example.org/models/demo/');
 * const clip = decodeWav(await file.arrayBuffer(), file.name);
 * console.log((await model.transcribe(clip.samples).result).text);
 */
export function loadModelFromFiles(
  source: string | URL | Iterable<ModelFile | NamedBytes>,
  options: LoadFromFilesOptions = {},
): Promise<SpeechModel> {
  return loadFilesInto(buildModel, source, options);
}

/** Makes something of the files of a model, in WebAssembly. */
export async function loadFilesInto<Model>(
  build: (files: ModelFiles, backend: Backend, options: BuildOptions) => Promise<Model>,
  source: string | URL | Iterable<ModelFile | NamedBytes>,
  options: LoadFromFilesOptions,
): Promise<Model> {
  const startMs = performance.now();
  checkOptions(options);
  const { threads = browserThreadCount(), signal, precision: wanted = 'auto' } = options;
  checkThreadCount(threads);
  checkWasmPrecision(wanted);
  const address = addressOf(source);
  const files =
    address === null
      ? await givenModelFiles(source as Iterable<ModelFile | NamedBytes>)
      : await fetchModelFiles(address, signal);
  const weightBytes = files.reduce((sum, { name, size }) => sum + (isWeightFile(name) ? size : 0), 0);
  const { backend, refusal, provide } = await openWasmBackend({
    threadCount: Math.min(threads, mostBrowserThreads()),
    weightBytes,
    spawn: spawnBrowserParticipant,
  });
  try {
    let readBytes = 0;
    const onRead = (byteLength: number) => {
      readBytes += byteLength;
      options.onProgress?.(readBytes, weightBytes);
    };
    const label = options.name ?? (address === null ? 'model' : address.href.replace(/\/$/, ''));
    const folder = folderOfFiles(files, { source: label, provide, onRead, signal });
    const { name, isa, threadCount } = backend;
    const precision = wanted === 'auto' ? backend.precision : wanted;
    const note = threadNote(backend, { asked: options.threads, refusal });
    options.onBackend?.({ name, isa, precision, threadCount, note });
    const staging = { precision: wanted, operand: backend.precision, reserve: provide };
    const read = await readModelFolder(folder, signal, staging);
    return await build(read, backend, { startMs, precision: wanted, signal });
  } catch (error) {
    await backend.close();
    throw error;
  }
}

/** @returns null for what is no address */
function addressOf(source: unknown): URL | null {
  if (typeof source !== 'string' && kindOf(source) !== 'URL') return null; // of another realm too
  try {
    return new URL(String(source));
  } catch (cause) {
    const line = `model: expected an absolute address, found ${describeArgument(source)}`;
    throw new QwenAsrError('usage', line, { cause });
  }
}

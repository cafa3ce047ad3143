import { QwenAsrError } from '../error.js';
import { checkOptions } from '../model/checkArguments.js';
import { describeArgument } from '../model/describe.js';
import { type OpenFile, readConfigText, readModelDirectory } from '../model/modelDirectory.js';
import type { ModelFiles } from '../model/readModelFolder.js';
import type { StagingOptions } from '../model/stagedTensors.js';
import { synthesizeModel } from '../model/synthesizeModel.js';
import { parseSyntheticName } from '../model/syntheticName.js';
import { bytesAhead, expectedPrecision, WeightForms } from '../model/weightForms.js';
import type { Backend } from '../ops/operators.js';
import { type BuildOptions, buildModel } from './buildModel.js';
import { chooseBackend, type EarlyLook } from './chooseBackend.js';
import type { LoadOptions, SpeechModel } from './types.js';

/**
 * Loads a model, ready to transcribe.
 *
 * Machine code uses weight files where the system has them mapped: while a model is loaded they may be replaced (a new
 * file renamed over the old one), but not overwritten or truncated. Either is an error of code `file` before the next
 * pass; within a pass, reading past a new end kills the process.
 *
 * @param source a model directory, or `synthetic:SIZE[:SEED]` (SIZE `tiny`, `0.6b` or `1.7b`) for random weights
 * A malformed vocabulary is only found at the first transcription.
 *
 * @throws QwenAsrError `file` or `model` for a directory that is missing, incomplete or inconsistent; `usage`;
 * `unsupported` for a backend, precision or isa that is not available; `memory`; `aborted`
 * @example
 * import { loadModel, loadWav } from 'qwen-asr';
 * const model = await loadModel('models/demo');
 * const clip = await loadWav('models/demo/samples/light-en.wav');
 * const { text, language } = await model.transcribe(clip.samples).result;
 * console.log(language, text); // English Turn on the kitchen light.
 * await model.close();
 */
export function loadModel(source: string, options: LoadOptions = {}): Promise<SpeechModel> {
  return loadInto(buildModel, source, options);
}

/** Makes something of the files of a model, on the backend that the options choose. */
export async function loadInto<Model>(
  build: (files: ModelFiles, backend: Backend, options: BuildOptions) => Promise<Model>,
  source: string,
  options: LoadOptions,
): Promise<Model> {
  const startMs = performance.now();
  if (typeof source !== 'string' || source === '') {
    const expected = 'expected a model directory or synthetic:SIZE';
    throw new QwenAsrError('usage', `model: ${expected}, found ${describeArgument(source)}`);
  }
  checkOptions(options);
  const { signal, precision: wanted = 'auto' } = options;
  let files: ModelFiles | undefined;
  let refuse = (): void => {};
  const look: EarlyLook = async (openFile, operand) => {
    try {
      files = await openModel(source, openFile, signal, undefined);
      return bytesAhead(files.tensors, new WeightForms(files.tensors, wanted, operand));
    } catch (error) {
      // Said when the caller knows what would have computed.
      refuse = () => {
        throw error;
      };
      return 0;
    }
  };
  let backend: Backend | undefined;
  try {
    const chosen = await chooseBackend(options, source, undefined, undefined, look);
    ({ backend } = chosen);
    const { name, isa, threadCount } = backend;
    const config = parseSyntheticName(source) === null ? await readConfigText(source) : undefined;
    const precision = expectedPrecision(config, wanted, backend.precision);
    options.onBackend?.({ name, isa, precision, threadCount, note: chosen.note });
    refuse();
    const { openFile, reserve } = chosen;
    const staging = reserve && { precision: wanted, operand: backend.precision, reserve };
    files ??= await openModel(source, openFile, signal, staging);
    return await build(files, backend, { ...options, startMs });
  } catch (error) {
    files?.release();
    await backend?.close();
    throw error;
  }
}

function openModel(
  source: string,
  openFile: OpenFile | undefined,
  signal: AbortSignal | undefined,
  staging: StagingOptions | undefined,
): Promise<ModelFiles> {
  const name = parseSyntheticName(source);
  if (name === null) return readModelDirectory(source, openFile, signal, staging);
  return synthesizeModel(signal === undefined ? name : { ...name, signal });
}

import { MelStage } from '../../audio/melSpectrogram.js';
import { Decoder } from '../../decoder/decoder.js';
import { Encoder } from '../../encoder/encoder.js';
import { QwenAsrError } from '../../error.js';
import { readModelConfig } from '../../model/config.js';
import { identifyModel } from '../../model/publishedModels.js';
import type { ModelFiles } from '../../model/readModelFolder.js';
import { WeightForms } from '../../model/weightForms.js';
import type { Backend } from '../../ops/operators.js';
import type { BuildOptions } from '../buildModel.js';
import { type LoadFromFilesOptions, loadFilesInto } from '../loadModelFromFiles.js';
import { placeModel } from '../placeModel.js';
import { alignerTextModel } from '../textModel.js';
import type { Aligner, AlignerInfo } from '../types.js';
import { LoadedAligner } from './loadedAligner.js';

/** The published package cuts recordings here when times are asked for. */
const PUBLISHED_LIMIT_MS = 180_000;

/** Of the time that the classes reach: the published aligner was trained up to 300 of its 400 s. */
const TRAINED_SHARE = 0.75;

/**
 * An aligner that is ready, from its files.
 *
 * @throws QwenAsrError `model`, `memory`; the files are then the caller's to release
 */
export async function buildAligner(
  files: ModelFiles,
  backend: Backend,
  { startMs, precision = 'auto', signal }: BuildOptions,
): Promise<LoadedAligner> {
  const { tensors, source } = files;
  const config = readModelConfig(tensors, files.configJson, files.processorConfigJson);
  const { encoder, decoder, aligner } = config;
  if (aligner === undefined) {
    const found = 'found a model that writes text; `qwen_asr pull aligner` fetches the published aligner';
    throw new QwenAsrError('model', `${source}: expected a forced aligner, ${found}`);
  }
  const forms = new WeightForms(tensors, precision, backend.precision);
  const { encoderWeights, decoderWeights } = await placeModel(
    files,
    config,
    { backend, forms, signal },
    (placed) => placed,
  );
  const text = alignerTextModel(files, config);
  const stages = {
    mel: new MelStage(backend),
    encoder: new Encoder(backend, encoder, encoderWeights),
    decoder: new Decoder(backend, decoder, decoderWeights),
    text,
    classMs: aligner.classMs,
  };
  const info: AlignerInfo = {
    source,
    published: identifyModel(tensors)?.name ?? null,
    parameters: tensors.parameterCount,
    weightBytes: tensors.byteLength,
    languages: text.languages,
    classMs: aligner.classMs,
    classes: decoder.headRows,
    maxMs: Math.min(PUBLISHED_LIMIT_MS, TRAINED_SHARE * decoder.headRows * aligner.classMs),
    backend: backend.name,
    isa: backend.isa,
    precision: forms.precision,
    threads: backend.threadCount,
    loadMs: performance.now() - startMs,
  };
  void text.prepare();
  return new LoadedAligner({ info, backend, stages, releaseFiles: () => files.release() });
}

/**
 * Loads a forced aligner in a browser: `loadModelFromFiles` says how.
 *
 * @throws QwenAsrError as loadModelFromFiles
 * @example
 * const aligner = await loadAlignerFromFiles('https://example.org/models/demo-aligner/');
 * const { words } = await aligner.align(clip.samples, 'Turn on the light.');
 */
export function loadAlignerFromFiles(
  source: Parameters<typeof loadFilesInto>[1],
  options: LoadFromFilesOptions = {},
): Promise<Aligner> {
  return loadFilesInto(buildAligner, source, options);
}

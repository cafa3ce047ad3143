import { MelStage } from '../audio/melStage.js';
import { Decoder } from '../decoder/decoder.js';
import { Encoder } from '../encoder/encoder.js';
import { type ModelConfig, readModelConfig } from '../model/config.js';
import { loadDecoderWeights } from '../model/decoderWeights.js';
import { loadEncoderWeights } from '../model/encoderWeights.js';
import type { OpenFile } from '../model/fileBytes.js';
import { identifyModel } from '../model/identifyModel.js';
import { readModelDirectory } from '../model/modelDirectory.js';
import type { ModelFiles } from '../model/modelFiles.js';
import { synthesizeModel } from '../model/synthetic.js';
import { parseSyntheticName } from '../model/syntheticName.js';
import type { Backend } from '../ops/operators.js';
import { chooseBackend } from './chooseBackend.js';
import { LoadedModel } from './speechModel.js';
import type { Stages } from './stages.js';
import { LazyTextModel } from './textModel.js';
import type { LoadOptions, ModelInfo, SpeechModel } from './types.js';

/**
 * Loads a model, ready to transcribe.
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
export async function loadModel(source: string, options: LoadOptions = {}): Promise<SpeechModel> {
  const startMs = performance.now();
  const { backend, openFile, note } = await chooseBackend(options, source);
  try {
    const { name, isa, precision, threadCount } = backend;
    options.onBackend?.({ name, isa, precision, threadCount, note });
    const files = await openModel(source, openFile, options.signal);
    try {
      const { model, text } = buildModel(files, backend, startMs);
      setTimeout(() => text.prepare(), 0); // after the caller's first pass has started
      return model;
    } catch (error) {
      files.release();
      throw error;
    }
  } catch (error) {
    await backend.close();
    throw error;
  }
}

function openModel(
  source: string,
  openFile: OpenFile | undefined,
  signal: AbortSignal | undefined,
): Promise<ModelFiles> {
  const name = parseSyntheticName(source);
  if (name === null) return readModelDirectory(source, openFile, signal);
  return synthesizeModel(signal === undefined ? name : { ...name, signal });
}

function buildModel(
  files: ModelFiles,
  backend: Backend,
  startMs: number,
): { model: LoadedModel; text: LazyTextModel } {
  const config = readModelConfig(files.tensors, files.configJson);
  const { encoder, decoder } = config;
  const encoderWeights = loadEncoderWeights(files.tensors, encoder, decoder.hidden, backend);
  const decoderWeights = loadDecoderWeights(files.tensors, decoder, backend);
  const text = new LazyTextModel(files.tokenizerFiles, config);
  const stages: Stages = {
    mel: new MelStage(backend),
    encoder: new Encoder(backend, encoder, encoderWeights),
    decoder: new Decoder(backend, decoder, decoderWeights),
    text,
  };
  const loadMs = performance.now() - startMs;
  const info = describeModel(files, config, text, backend, loadMs);
  return { model: new LoadedModel({ info, backend, stages, releaseFiles: () => files.release() }), text };
}

function describeModel(
  files: ModelFiles,
  { encoder, decoder }: ModelConfig,
  text: LazyTextModel,
  backend: Backend,
  loadMs: number,
): ModelInfo {
  const { dModel, ffn, convChannels } = encoder;
  const { hidden, kvHeads, headDim, intermediate, vocab } = decoder;
  return {
    source: files.source,
    synthetic: files.synthetic,
    published: identifyModel(files.tensors)?.name ?? null,
    parameters: files.tensors.parameterCount,
    weightBytes: files.tensors.byteLength,
    encoder: { dModel, layers: encoder.layers, heads: encoder.heads, ffn, convChannels },
    decoder: {
      hidden,
      layers: decoder.layers,
      heads: decoder.heads,
      kvHeads,
      headDim,
      intermediate,
      vocab,
    },
    languages: text.languages,
    backend: backend.name,
    isa: backend.isa,
    precision: backend.precision,
    threads: backend.threadCount,
    loadMs,
  };
}

import { MelStage } from '../audio/melSpectrogram.js';
import { Decoder } from '../decoder/decoder.js';
import { Encoder } from '../encoder/encoder.js';
import { QwenAsrError } from '../error.js';
import { type ModelConfig, readModelConfig } from '../model/config.js';
import { identifyModel } from '../model/publishedModels.js';
import type { ModelFiles } from '../model/readModelFolder.js';
import { loadDecoderWeights, loadEncoderWeights } from '../model/weights.js';
import type { Backend } from '../ops/operators.js';
import { LoadedModel } from './speechModel.js';
import { LazyTextModel } from './textModel.js';
import type { Stages } from './transcribeClip.js';
import type { ModelInfo } from './types.js';

/**
 * A model that is ready to transcribe, from its files. The vocabulary is read on while the caller's first
 * passes run.
 *
 * @param startMs when loading began
 * @throws QwenAsrError `model`, `memory`; the files are then the caller's to release
 */
export function buildModel(files: ModelFiles, backend: Backend, startMs: number): LoadedModel {
  const config = readModelConfig(files.tensors, files.configJson, files.processorConfigJson);
  const { encoder, decoder } = config;
  if (config.aligner !== undefined) {
    const found = 'found a forced aligner, which tells when words of a text are spoken';
    throw new QwenAsrError('model', `${files.source}: expected a model that writes text, ${found}`);
  }
  const encoderWeights = loadEncoderWeights(files.tensors, encoder, decoder.hidden, backend);
  const decoderWeights = loadDecoderWeights(files.tensors, decoder, backend);
  const text = new LazyTextModel(files, config);
  const stages: Stages = {
    mel: new MelStage(backend),
    encoder: new Encoder(backend, encoder, encoderWeights),
    decoder: new Decoder(backend, decoder, decoderWeights),
    text,
  };
  const loadMs = performance.now() - startMs;
  const info = describeModel(files, config, text, backend, loadMs);
  void text.prepare();
  return new LoadedModel({ info, backend, stages, releaseFiles: () => files.release() });
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

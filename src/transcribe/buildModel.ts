import { MelStage } from '../audio/melSpectrogram.js';
import { Decoder } from '../decoder/decoder.js';
import { Encoder } from '../encoder/encoder.js';
import { QwenAsrError } from '../error.js';
import { type ModelConfig, readModelConfig } from '../model/config.js';
import { identifyModel } from '../model/publishedModels.js';
import type { ModelFiles } from '../model/readModelFolder.js';
import { WeightForms } from '../model/weightForms.js';
import type { DecoderWeights, EncoderWeights, WeightAndBias } from '../model/weights.js';
import type { Backend, Weight } from '../ops/operators.js';
import { type PlacedModel, placeModel } from './placeModel.js';
import { LoadedModel } from './speechModel.js';
import { type LazyTextModel, transcriptTextModel } from './textModel.js';
import type { Stages } from './transcribeClip.js';
import type { LoadOptions, ModelInfo } from './types.js';

/** How a model is made of its files. */
export interface BuildOptions {
  /** When loading began. */
  readonly startMs: number;
  /** Default `auto`: as the weights are stored. */
  readonly precision?: LoadOptions['precision'];
  readonly signal?: AbortSignal | undefined;
}

/**
 * A model that is ready to transcribe, from its files. The vocabulary is read on while the caller's first
 * passes run.
 *
 * @throws QwenAsrError `model`, `memory`; the files are then the caller's to release
 */
export async function buildModel(
  files: ModelFiles,
  backend: Backend,
  { startMs, precision = 'auto', signal }: BuildOptions,
): Promise<LoadedModel> {
  const { tensors } = files;
  const config = readModelConfig(tensors, files.configJson, files.processorConfigJson);
  const { encoder, decoder } = config;
  if (config.aligner !== undefined) {
    const found = 'found a forced aligner, which tells when words of a text are spoken';
    throw new QwenAsrError('model', `${files.source}: expected a model that writes text, ${found}`);
  }
  const forms = new WeightForms(tensors, precision, backend.precision);
  const text = transcriptTextModel(files, config);
  const build = ({ encoderWeights, decoderWeights }: PlacedModel) => ({
    stages: {
      mel: new MelStage(backend),
      encoder: new Encoder(backend, encoder, encoderWeights),
      decoder: new Decoder(backend, decoder, decoderWeights),
      text,
    } satisfies Stages,
    info: {
      ...describeModel(files, config, text),
      ...describeArithmetic(backend, { encoderWeights, decoderWeights }),
      precision: forms.precision,
      notes: forms.note === null ? [] : [forms.note],
    },
  });
  const { stages, info } = await placeModel(files, config, { backend, forms, signal }, build);
  const loadMs = performance.now() - startMs;
  void text.prepare();
  return new LoadedModel({
    info: { ...info, loadMs },
    backend,
    stages,
    releaseFiles: () => files.release(),
  });
}

function describeArithmetic(
  backend: Backend,
  { encoderWeights, decoderWeights }: PlacedModel,
): Pick<ModelInfo, 'backend' | 'isa' | 'operand' | 'products' | 'threads' | 'readBytes'> {
  return {
    backend: backend.name,
    isa: backend.isa,
    operand: backend.precision,
    products: {
      convolutions: backend.manyRows(encoderWeights.conv2d3.weight),
      encoderLayers: backend.manyRows(encoderWeights.layers[0]!.fc1.weight),
      prefill: backend.manyRows(decoderWeights.layers[0]!.gateProj),
    },
    threads: backend.threadCount,
    readBytes: { ...encoderBytes(encoderWeights), ...decoderBytes(decoderWeights) },
  };
}

function encoderBytes(weights: EncoderWeights): Pick<ModelInfo['readBytes'], 'convStem' | 'encoderLayers'> {
  const { conv2d1, conv2d2, conv2d3, convOut, layers, proj1, proj2 } = weights;
  const linears = layers.flatMap(({ qProj, kProj, vProj, outProj, fc1, fc2 }) => [
    qProj,
    kProj,
    vProj,
    outProj,
    fc1,
    fc2,
  ]);
  const withoutBias = (parts: readonly WeightAndBias[]): Weight[] => parts.map(({ weight }) => weight);
  return {
    convStem: bytesOf([...withoutBias([conv2d1, conv2d2, conv2d3]), convOut]),
    encoderLayers: bytesOf(withoutBias([...linears, proj1, proj2])),
  };
}

function decoderBytes({
  layers,
  lmHead,
}: DecoderWeights): Pick<ModelInfo['readBytes'], 'decoderLayers' | 'head'> {
  const linears = layers.flatMap(({ qProj, kProj, vProj, oProj, gateProj, upProj, downProj }) => [
    ...[qProj, kProj, vProj, oProj],
    ...[gateProj, upProj, downProj],
  ]);
  return { decoderLayers: bytesOf(linears), head: bytesOf([lmHead]) };
}

function bytesOf(weights: readonly Weight[]): number {
  return weights.reduce((sum, { byteLength }) => sum + byteLength, 0);
}

function describeModel(
  files: ModelFiles,
  { encoder, decoder }: ModelConfig,
  text: LazyTextModel,
): Omit<
  ModelInfo,
  'backend' | 'isa' | 'precision' | 'operand' | 'products' | 'threads' | 'readBytes' | 'notes' | 'loadMs'
> {
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
  };
}

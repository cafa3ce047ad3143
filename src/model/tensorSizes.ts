import { QwenAsrError } from '../error.js';
import type { Parameter } from '../ops/parameter.js';
import { describeShape } from './describe.js';
import type { ModelTensors } from './modelTensors.js';

/** Width of an encoder attention head in every Qwen3-ASR model; no tensor shows it. */
const ENCODER_HEAD_DIM = 64;

/** Rows that the 128 mel bands have become after three convolutions of stride 2. */
export const STEM_HEIGHT = 16;

/** What the shapes of the audio tower say. */
export interface EncoderSizes {
  readonly dModel: number;
  readonly layers: number;
  readonly heads: number;
  readonly headDim: number;
  /** Width of the feed-forward block. */
  readonly ffn: number;
  readonly convChannels: number;
}

/** What the shapes of the text model say. */
export interface DecoderSizes {
  readonly hidden: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly intermediate: number;
  /** Rows of the embedding; the tokenizer may use fewer. */
  readonly vocab: number;
}

/**
 * Sizes of the encoder: conv_out rows, layer names, d_model/64, fc1 rows, conv2d1 rows.
 *
 * @throws QwenAsrError `model` when a tensor that shows a size is missing, or has a shape no model can have.
 */
export function readEncoderSizes(tensors: ModelTensors): EncoderSizes {
  const convOut = tensors.require('audio_tower.conv_out.weight');
  const [dModel, stemColumns] = matrixShape(tensors, convOut);
  const convChannels = firstOf(tensors, tensors.require('audio_tower.conv2d1.weight'), 4);
  if (stemColumns !== convChannels * STEM_HEIGHT) {
    throw shapeError(tensors, convOut, `${STEM_HEIGHT}·${convChannels} columns`);
  }
  return {
    dModel,
    layers: countLayers(tensors, 'audio_tower.layers.'),
    heads: quotient(tensors, convOut, dModel, ENCODER_HEAD_DIM),
    headDim: ENCODER_HEAD_DIM,
    ffn: firstOf(tensors, tensors.require('audio_tower.layers.0.fc1.weight'), 2),
    convChannels,
  };
}

/**
 * Sizes of the decoder: embedding, layer names, q_norm length (= head_dim), q/k rows ÷ head_dim, gate_proj rows.
 *
 * @throws QwenAsrError `model` when a tensor that shows a size is missing, or has a shape no model can have.
 */
export function readDecoderSizes(tensors: ModelTensors): DecoderSizes {
  const [vocab, hidden] = matrixShape(tensors, tensors.require('model.embed_tokens.weight'));
  const layers = countLayers(tensors, 'model.layers.');
  const qNorm = tensors.require('model.layers.0.self_attn.q_norm.weight');
  const headDim = firstOf(tensors, qNorm, 1);
  // Rotary embedding turns pairs of the two halves of a head.
  if (headDim % 2 !== 0) throw shapeError(tensors, qNorm, 'an even length');
  const qProj = tensors.require('model.layers.0.self_attn.q_proj.weight');
  const kProj = tensors.require('model.layers.0.self_attn.k_proj.weight');
  const heads = quotient(tensors, qProj, firstOf(tensors, qProj, 2), headDim);
  const kvHeads = quotient(tensors, kProj, firstOf(tensors, kProj, 2), headDim);
  if (heads % kvHeads !== 0) {
    throw shapeError(tensors, qProj, `a multiple of k_proj's ${kvHeads} heads of ${headDim} rows`);
  }
  const intermediate = firstOf(tensors, tensors.require('model.layers.0.mlp.gate_proj.weight'), 2);
  return { hidden, layers, heads, kvHeads, headDim, intermediate, vocab };
}

/** Layers are numbered from 0 without gaps; a gap means that a file of the model is missing. */
function countLayers(tensors: ModelTensors, prefix: string): number {
  const indices = new Set<number>();
  for (const names of [tensors.byName.keys(), tensors.unsupported.keys()]) {
    for (const name of names) {
      const index = name.startsWith(prefix) ? /^(0|[1-9][0-9]{0,8})\./.exec(name.slice(prefix.length)) : null;
      if (index !== null) indices.add(Number(index[1]));
    }
  }
  for (let layer = 0; layer < indices.size; layer++) {
    if (!indices.has(layer)) {
      const highest = [...indices].reduce((most, index) => Math.max(most, index), 0);
      throw new QwenAsrError(
        'model',
        `${tensors.source}: no tensors of ${prefix}${layer}, although layers go up to ${highest}`,
      );
    }
  }
  if (indices.size === 0)
    throw new QwenAsrError('model', `${tensors.source}: tensors of ${prefix}0 are missing`);
  return indices.size;
}

/** [rows, columns], both positive. */
function matrixShape(tensors: ModelTensors, parameter: Parameter): [rows: number, columns: number] {
  const [rows, columns] = parameter.shape;
  if (parameter.shape.length !== 2 || !rows || !columns) {
    throw shapeError(tensors, parameter, 'two positive dimensions');
  }
  return [rows, columns];
}

/** The leading dimension of a tensor that must have `rank` dimensions. */
function firstOf(tensors: ModelTensors, parameter: Parameter, rank: number): number {
  const [first] = parameter.shape;
  if (parameter.shape.length !== rank || !first) {
    throw shapeError(tensors, parameter, `${rank} positive dimension${rank === 1 ? '' : 's'}`);
  }
  return first;
}

function quotient(tensors: ModelTensors, parameter: Parameter, rows: number, headDim: number): number {
  if (rows % headDim !== 0) throw shapeError(tensors, parameter, `a multiple of ${headDim} rows`);
  return rows / headDim;
}

function shapeError(tensors: ModelTensors, parameter: Parameter, expected: string): QwenAsrError {
  return new QwenAsrError(
    'model',
    `${tensors.source}: tensor ${parameter.name}: expected ${expected}, found shape ${describeShape(parameter.shape)}`,
  );
}

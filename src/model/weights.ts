import { widenRange } from '../ops/affineGroups.js';
import type { Backend, Weight } from '../ops/operators.js';
import type { IntegerForm, Parameter } from '../ops/parameter.js';
import type { DecoderConfig, EncoderConfig } from './config.js';
import type { ModelTensors } from './modelTensors.js';
import { STEM_HEIGHT } from './tensorSizes.js';
import type { WeightForms } from './weightForms.js';

/** A matrix product with bias, or a layer norm; names as in the checkpoint. */
export interface WeightAndBias {
  readonly weight: Weight;
  readonly bias: Weight;
}

/** One transformer layer of the audio tower; D d_model, F ffn. */
export interface EncoderLayerWeights {
  /** [D], [D]. */
  readonly selfAttnLayerNorm: WeightAndBias;
  /** [D, D], [D], as are the next three. */
  readonly qProj: WeightAndBias;
  readonly kProj: WeightAndBias;
  readonly vProj: WeightAndBias;
  readonly outProj: WeightAndBias;
  /** [D], [D]. */
  readonly finalLayerNorm: WeightAndBias;
  /** [F, D], [F]. */
  readonly fc1: WeightAndBias;
  /** [D, F], [D]. */
  readonly fc2: WeightAndBias;
}

/** `audio_tower.*`; C conv channels, D d_model, H decoder hidden. */
export interface EncoderWeights {
  /** [C, 1, 3, 3], [C]. */
  readonly conv2d1: WeightAndBias;
  /** [C, C, 3, 3], [C]. */
  readonly conv2d2: WeightAndBias;
  /** [C, C, 3, 3], [C]. */
  readonly conv2d3: WeightAndBias;
  /** [D, C·16], columns channel-major. */
  readonly convOut: Weight;
  readonly layers: readonly EncoderLayerWeights[];
  /** [D], [D]. */
  readonly lnPost: WeightAndBias;
  /** [D, D], [D]. */
  readonly proj1: WeightAndBias;
  /** [H, D], [H]. */
  readonly proj2: WeightAndBias;
}

/**
 * Places the encoder's weights in a backend, checking every shape.
 *
 * @param hidden Width of the decoder, to which proj2 leads.
 * @param forms How matrices are held; floating-point when left out.
 * @throws QwenAsrError `model` naming a missing tensor, or the expected and found shapes.
 *
 * @example
 * const config = readModelConfig(files.tensors, files.configJson);
 * const weights = loadEncoderWeights(files.tensors, config.encoder, config.decoder.hidden, backend);
 */
export function loadEncoderWeights(
  tensors: ModelTensors,
  config: EncoderConfig,
  hidden: number,
  backend: Pick<Backend, 'weight'>,
  forms?: Pick<WeightForms, 'of' | 'ofConvolution'>,
): EncoderWeights {
  const { dModel, ffn, convChannels } = config;
  const vector = (name: string, length: number) =>
    backend.weight(tensors.requireShape(`audio_tower.${name}`, [length]), 'vector');
  const matrix = (name: string, rows: number, columns: number) => {
    const parameter = tensors.requireShape(`audio_tower.${name}`, [rows, columns]);
    return backend.weight(parameter, 'matrix', forms?.of(`audio_tower.${name}`, parameter));
  };
  const linear = (name: string, rows: number, columns: number): WeightAndBias => ({
    weight: matrix(`${name}.weight`, rows, columns),
    bias: vector(`${name}.bias`, rows),
  });
  const layerNorm = (name: string): WeightAndBias => ({
    weight: vector(`${name}.weight`, dModel),
    bias: vector(`${name}.bias`, dModel),
  });
  const convolution = (name: string, inputs: number): WeightAndBias => {
    const parameter = tensors.requireShape(`audio_tower.${name}.weight`, [convChannels, inputs, 3, 3]);
    const weight = backend.weight(parameter, 'convolution', forms?.ofConvolution(parameter));
    return { weight, bias: vector(`${name}.bias`, convChannels) };
  };
  const layer = (index: number): EncoderLayerWeights => {
    const prefix = `layers.${index}`;
    return {
      selfAttnLayerNorm: layerNorm(`${prefix}.self_attn_layer_norm`),
      qProj: linear(`${prefix}.self_attn.q_proj`, dModel, dModel),
      kProj: linear(`${prefix}.self_attn.k_proj`, dModel, dModel),
      vProj: linear(`${prefix}.self_attn.v_proj`, dModel, dModel),
      outProj: linear(`${prefix}.self_attn.out_proj`, dModel, dModel),
      finalLayerNorm: layerNorm(`${prefix}.final_layer_norm`),
      fc1: linear(`${prefix}.fc1`, ffn, dModel),
      fc2: linear(`${prefix}.fc2`, dModel, ffn),
    };
  };
  return {
    conv2d1: convolution('conv2d1', 1),
    conv2d2: convolution('conv2d2', convChannels),
    conv2d3: convolution('conv2d3', convChannels),
    convOut: matrix('conv_out.weight', dModel, convChannels * STEM_HEIGHT),
    layers: Array.from({ length: config.layers }, (_, index) => layer(index)),
    lnPost: layerNorm('ln_post'),
    proj1: linear('proj1', dModel, dModel),
    proj2: linear('proj2', hidden, dModel),
  };
}

/** One layer of the text model; H hidden, I intermediate, d head_dim. Nothing has a bias. */
export interface DecoderLayerWeights {
  /** [H]. */
  readonly inputLayernorm: Weight;
  /** [heads·d, H]. */
  readonly qProj: Weight;
  /** [kvHeads·d, H]. */
  readonly kProj: Weight;
  /** [kvHeads·d, H]. */
  readonly vProj: Weight;
  /** [H, heads·d]. */
  readonly oProj: Weight;
  /** [d]. */
  readonly qNorm: Weight;
  /** [d]. */
  readonly kNorm: Weight;
  /** [H]. */
  readonly postAttentionLayernorm: Weight;
  /** [I, H]. */
  readonly gateProj: Weight;
  /** [I, H]. */
  readonly upProj: Weight;
  /** [H, I]. */
  readonly downProj: Weight;
}

/** `model.*` and `lm_head.weight`; V vocabulary. */
export interface DecoderWeights {
  /** [V, H]. */
  readonly embedTokens: Weight;
  readonly layers: readonly DecoderLayerWeights[];
  /** [H]. */
  readonly norm: Weight;
  /** [V, H]; the very `embedTokens` when the checkpoint stores no head of its own. Of an aligner: [classes, H]. */
  readonly lmHead: Weight;
}

/**
 * Places the decoder's weights in a backend, checking every shape. The largest, the embedding, is the first: whoever
 * copies weights has then the most room.
 *
 * @param forms How matrices are held; floating-point when left out.
 * @param repeatsEmbedding Whether a stored head holds the embedding's numbers, so that one copy serves both.
 * @throws QwenAsrError `model` naming a missing tensor, or the expected and found shapes.
 *
 * @example
 * const config = readModelConfig(files.tensors, files.configJson);
 * const weights = loadDecoderWeights(files.tensors, config.decoder, backend);
 */
export function loadDecoderWeights(
  tensors: ModelTensors,
  config: DecoderConfig,
  backend: Pick<Backend, 'weight'>,
  forms?: Pick<WeightForms, 'of'>,
  repeatsEmbedding = false,
): DecoderWeights {
  const { hidden, intermediate, headDim, vocab, headRows } = config;
  const queryRows = config.heads * headDim;
  const keyRows = config.kvHeads * headDim;
  const vector = (name: string, length: number) =>
    backend.weight(tensors.requireShape(`model.${name}.weight`, [length]), 'vector');
  const place = (name: string, rows: number, columns: number) => {
    const parameter = tensors.requireShape(name, [rows, columns]);
    return backend.weight(parameter, 'matrix', forms?.of(name, parameter));
  };
  const matrix = (name: string, rows: number, columns: number) =>
    place(`model.${name}.weight`, rows, columns);
  // One kernel multiplies both, so that they have to be held alike: if need be as floating-point numbers, which is exact.
  const gateAndUp = (prefix: string): Pick<DecoderLayerWeights, 'gateProj' | 'upProj'> => {
    const [gate, up] = ['gate_proj', 'up_proj'].map((name) => {
      const path = `model.${prefix}.mlp.${name}.weight`;
      const parameter = tensors.requireShape(path, [intermediate, hidden]);
      return { parameter, form: forms?.of(path, parameter) };
    }) as [HeldMatrix, HeldMatrix];
    const isAlike = holding(gate) === holding(up);
    const placeHalf = ({ parameter, form }: HeldMatrix) =>
      isAlike ? backend.weight(parameter, 'matrix', form) : backend.weight(widened(parameter), 'matrix');
    return { gateProj: placeHalf(gate), upProj: placeHalf(up) };
  };
  const layer = (index: number): DecoderLayerWeights => {
    const prefix = `layers.${index}`;
    return {
      inputLayernorm: vector(`${prefix}.input_layernorm`, hidden),
      qProj: matrix(`${prefix}.self_attn.q_proj`, queryRows, hidden),
      kProj: matrix(`${prefix}.self_attn.k_proj`, keyRows, hidden),
      vProj: matrix(`${prefix}.self_attn.v_proj`, keyRows, hidden),
      oProj: matrix(`${prefix}.self_attn.o_proj`, hidden, queryRows),
      qNorm: vector(`${prefix}.self_attn.q_norm`, headDim),
      kNorm: vector(`${prefix}.self_attn.k_norm`, headDim),
      postAttentionLayernorm: vector(`${prefix}.post_attention_layernorm`, hidden),
      ...gateAndUp(prefix),
      downProj: matrix(`${prefix}.mlp.down_proj`, hidden, intermediate),
    };
  };
  const embedTokens = matrix('embed_tokens', vocab, hidden);
  const placeHead = (): Weight => {
    const head = tensors.requireShape('lm_head.weight', [headRows, hidden]);
    const embedding = tensors.require('model.embed_tokens.weight');
    const isShared = repeatsEmbedding || sameMemory(head, embedding);
    return isShared ? embedTokens : place('lm_head.weight', headRows, hidden);
  };
  return {
    embedTokens,
    layers: Array.from({ length: config.layers }, (_, index) => layer(index)),
    norm: vector('norm', hidden),
    lmHead: config.tied ? embedTokens : placeHead(),
  };
}

/** A matrix, and the integers that it is to be held as. */
export interface HeldMatrix {
  readonly parameter: Parameter;
  readonly form: IntegerForm | undefined;
}

/** What kernels are made for: equal for matrices that one of them can multiply. */
export function holding({ parameter, form }: HeldMatrix): string {
  if (form === undefined) return parameter.dtype;
  const { bits, groupSize } = form;
  const scales =
    parameter.dtype === 'affine' ? `${parameter.scales.dtype} ${parameter.biases.dtype}` : 'rounded';
  return `${bits} ${groupSize} ${scales}`;
}

/** The same numbers in f32; a quantised matrix is widened where it is placed. */
function widened(parameter: Parameter): Parameter {
  if (parameter.dtype === 'affine' || parameter.dtype === 'f32') return parameter;
  const count = parameter.shape.reduce((product, size) => product * size, 1);
  return { ...parameter, dtype: 'f32', bytes: new Uint8Array(widenRange(parameter, 0, count).buffer) };
}

function sameMemory(a: Parameter, b: Parameter): boolean {
  return (
    a.dtype === b.dtype &&
    a.bytes.buffer === b.bytes.buffer &&
    a.bytes.byteOffset === b.bytes.byteOffset &&
    a.bytes.byteLength === b.bytes.byteLength
  );
}

import type { Backend, Weight } from '../ops/operators.js';
import type { EncoderConfig } from './config.js';
import type { ModelTensors } from './modelTensors.js';
import { STEM_HEIGHT } from './tensorSizes.js';

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
): EncoderWeights {
  const { dModel, ffn, convChannels } = config;
  const vector = (name: string, length: number) =>
    backend.weight(tensors.requireShape(`audio_tower.${name}`, [length]), 'vector');
  const matrix = (name: string, rows: number, columns: number) =>
    backend.weight(tensors.requireShape(`audio_tower.${name}`, [rows, columns]), 'matrix');
  const linear = (name: string, rows: number, columns: number): WeightAndBias => ({
    weight: matrix(`${name}.weight`, rows, columns),
    bias: vector(`${name}.bias`, rows),
  });
  const layerNorm = (name: string): WeightAndBias => ({
    weight: vector(`${name}.weight`, dModel),
    bias: vector(`${name}.bias`, dModel),
  });
  const convolution = (name: string, inputs: number): WeightAndBias => {
    const weight = tensors.requireShape(`audio_tower.${name}.weight`, [convChannels, inputs, 3, 3]);
    return { weight: backend.weight(weight, 'convolution'), bias: vector(`${name}.bias`, convChannels) };
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

import type { SyntheticSize } from './syntheticName.js';

/** How a tensor's values are drawn. `head` repeats the embedding. */
export type SyntheticKind = 'weight' | 'bias' | 'norm' | 'embedding' | 'head';

export interface SyntheticTensor {
  /** Original layout, for example `thinker.model.norm.weight`. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly kind: SyntheticKind;
}

/** One weight file; tensors in the order of their bytes. */
export interface SyntheticShard {
  readonly fileName: string;
  readonly tensors: readonly SyntheticTensor[];
}

/** Sizes of a synthetic model, all in elements. */
export interface SyntheticShape {
  readonly dModel: number;
  readonly encoderLayers: number;
  readonly encoderHeads: number;
  readonly ffn: number;
  readonly convChannels: number;
  readonly hidden: number;
  readonly decoderLayers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly intermediate: number;
  readonly vocab: number;
}

/** The published rows are those of docs/model.md; `tiny` keeps only the vocabulary. */
export const SYNTHETIC_SHAPES: Readonly<Record<SyntheticSize, SyntheticShape>> = {
  tiny: {
    dModel: 128,
    encoderLayers: 2,
    encoderHeads: 2,
    ffn: 256,
    convChannels: 32,
    hidden: 128,
    decoderLayers: 2,
    heads: 4,
    kvHeads: 2,
    headDim: 32,
    intermediate: 256,
    vocab: 151936,
  },
  '0.6b': {
    dModel: 896,
    encoderLayers: 18,
    encoderHeads: 14,
    ffn: 3584,
    convChannels: 480,
    hidden: 1024,
    decoderLayers: 28,
    heads: 16,
    kvHeads: 8,
    headDim: 128,
    intermediate: 3072,
    vocab: 151936,
  },
  '1.7b': {
    dModel: 1024,
    encoderLayers: 24,
    encoderHeads: 16,
    ffn: 4096,
    convChannels: 480,
    hidden: 2048,
    decoderLayers: 28,
    heads: 16,
    kvHeads: 8,
    headDim: 128,
    intermediate: 6144,
    vocab: 151936,
  },
};

/**
 * The weight files of a synthetic model: one, or two for `1.7b` as published.
 *
 * @example
 * syntheticShards('0.6b').map((shard) => shard.fileName); // ['model.safetensors']
 */
export function syntheticShards(size: SyntheticSize): readonly SyntheticShard[] {
  const shape = SYNTHETIC_SHAPES[size];
  const tensors = [...encoderTensors(shape), ...decoderTensors(shape)];
  if (size !== '1.7b') return [{ fileName: 'model.safetensors', tensors }];
  // The second shard begins with the first tensor that starts beyond half of all elements.
  const half = tensors.reduce((sum, tensor) => sum + elementCount(tensor), 0) / 2;
  let start = 0;
  const first: SyntheticTensor[] = [];
  const second: SyntheticTensor[] = [];
  for (const tensor of tensors) {
    (start > half ? second : first).push(tensor);
    start += elementCount(tensor);
  }
  return [
    { fileName: 'model-00001-of-00002.safetensors', tensors: first },
    { fileName: 'model-00002-of-00002.safetensors', tensors: second },
  ];
}

/**
 * Elements of a tensor: the product of its dimensions.
 *
 * @example
 * elementCount({ shape: [2, 3] }); // 6
 */
export function elementCount(tensor: { readonly shape: readonly number[] }): number {
  return tensor.shape.reduce((product, size) => product * size, 1);
}

/* The order of the tensors below is part of the format: one random sequence runs through them all. */

function encoderTensors(shape: SyntheticShape): SyntheticTensor[] {
  const { dModel, ffn, convChannels, hidden } = shape;
  const tower = 'thinker.audio_tower.';
  const tensors: SyntheticTensor[] = [];
  for (const [index, inputs] of [1, convChannels, convChannels].entries()) {
    const name = `${tower}conv2d${index + 1}`;
    tensors.push({ name: `${name}.weight`, shape: [convChannels, inputs, 3, 3], kind: 'weight' });
    tensors.push({ name: `${name}.bias`, shape: [convChannels], kind: 'bias' });
  }
  tensors.push({ name: `${tower}conv_out.weight`, shape: [dModel, convChannels * 16], kind: 'weight' });
  for (let layer = 0; layer < shape.encoderLayers; layer++) {
    const prefix = `${tower}layers.${layer}.`;
    for (const projection of ['q_proj', 'k_proj', 'v_proj', 'out_proj']) {
      tensors.push(...linear(`${prefix}self_attn.${projection}`, dModel, dModel));
    }
    tensors.push(...layerNorm(`${prefix}self_attn_layer_norm`, dModel));
    tensors.push(...linear(`${prefix}fc1`, ffn, dModel), ...linear(`${prefix}fc2`, dModel, ffn));
    tensors.push(...layerNorm(`${prefix}final_layer_norm`, dModel));
  }
  tensors.push(...layerNorm(`${tower}ln_post`, dModel), ...linear(`${tower}proj1`, dModel, dModel));
  tensors.push(...linear(`${tower}proj2`, hidden, dModel));
  return tensors;
}

function decoderTensors(shape: SyntheticShape): SyntheticTensor[] {
  const { hidden, headDim, intermediate, vocab } = shape;
  const queryRows = shape.heads * headDim;
  const keyRows = shape.kvHeads * headDim;
  const model = 'thinker.model.';
  const tensors: SyntheticTensor[] = [
    { name: `${model}embed_tokens.weight`, shape: [vocab, hidden], kind: 'embedding' },
  ];
  for (let layer = 0; layer < shape.decoderLayers; layer++) {
    const prefix = `${model}layers.${layer}.`;
    tensors.push(
      rmsNorm(`${prefix}input_layernorm`, hidden),
      matrix(`${prefix}self_attn.q_proj`, queryRows, hidden),
      matrix(`${prefix}self_attn.k_proj`, keyRows, hidden),
      matrix(`${prefix}self_attn.v_proj`, keyRows, hidden),
      matrix(`${prefix}self_attn.o_proj`, hidden, queryRows),
      rmsNorm(`${prefix}self_attn.q_norm`, headDim),
      rmsNorm(`${prefix}self_attn.k_norm`, headDim),
      rmsNorm(`${prefix}post_attention_layernorm`, hidden),
      matrix(`${prefix}mlp.gate_proj`, intermediate, hidden),
      matrix(`${prefix}mlp.up_proj`, intermediate, hidden),
      matrix(`${prefix}mlp.down_proj`, hidden, intermediate),
    );
  }
  tensors.push(rmsNorm(`${model}norm`, hidden));
  tensors.push({ name: 'thinker.lm_head.weight', shape: [vocab, hidden], kind: 'head' });
  return tensors;
}

function matrix(name: string, rows: number, columns: number): SyntheticTensor {
  return { name: `${name}.weight`, shape: [rows, columns], kind: 'weight' };
}

function linear(name: string, rows: number, columns: number): SyntheticTensor[] {
  return [matrix(name, rows, columns), { name: `${name}.bias`, shape: [rows], kind: 'bias' }];
}

function rmsNorm(name: string, length: number): SyntheticTensor {
  return { name: `${name}.weight`, shape: [length], kind: 'norm' };
}

function layerNorm(name: string, length: number): SyntheticTensor[] {
  return [rmsNorm(name, length), { name: `${name}.bias`, shape: [length], kind: 'bias' }];
}

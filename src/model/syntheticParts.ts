import type { SyntheticSize } from './syntheticName.js';

/** How a tensor's values are drawn. `head` repeats the embedding. */
type SyntheticKind = 'weight' | 'bias' | 'norm' | 'embedding' | 'head';

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
interface SyntheticShape {
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
const SYNTHETIC_SHAPES: Readonly<Record<SyntheticSize, SyntheticShape>> = {
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

/** Entries of the published vocabulary; special tokens follow them. */
const VOCABULARY_ENTRIES = 151643;

/** Entries of the published vocabulary that the prompt uses. */
const PROMPT_WORDS: Readonly<Record<number, string>> = {
  872: 'user',
  8948: 'system',
  11528: 'language',
  77091: 'assistant',
};

/** Merges of a synthetic model: none. */
export const SYNTHETIC_MERGES = '#version: 0.2\n';

/**
 * config.json of a synthetic model: the published one's keys, in the nested layout.
 *
 * @example
 * JSON.parse(syntheticConfig('tiny')).thinker_config.text_config.hidden_size; // 128
 */
export function syntheticConfig(size: SyntheticSize): string {
  const shape = SYNTHETIC_SHAPES[size];
  const config = {
    architectures: ['Qwen3ASRForConditionalGeneration'],
    model_type: 'qwen3_asr',
    thinker_config: {
      audio_token_id: 151676,
      audio_start_token_id: 151669,
      audio_end_token_id: 151670,
      dtype: 'bfloat16',
      model_type: 'qwen3_asr',
      audio_config: {
        model_type: 'qwen3_asr_audio_encoder',
        num_mel_bins: 128,
        encoder_layers: shape.encoderLayers,
        encoder_attention_heads: shape.encoderHeads,
        encoder_ffn_dim: shape.ffn,
        d_model: shape.dModel,
        activation_function: 'gelu',
        max_source_positions: 1500,
        n_window: 50,
        n_window_infer: 800,
        conv_chunksize: 500,
        downsample_hidden_size: shape.convChannels,
        output_dim: shape.hidden,
        scale_embedding: false,
      },
      text_config: {
        model_type: 'qwen3',
        vocab_size: shape.vocab,
        hidden_size: shape.hidden,
        intermediate_size: shape.intermediate,
        num_hidden_layers: shape.decoderLayers,
        num_attention_heads: shape.heads,
        num_key_value_heads: shape.kvHeads,
        head_dim: shape.headDim,
        hidden_act: 'silu',
        max_position_embeddings: 65536,
        rms_norm_eps: 1e-6,
        rope_theta: 1000000,
        attention_bias: false,
        tie_word_embeddings: true,
        rope_scaling: {
          interleaved: true,
          mrope_interleaved: true,
          mrope_section: [24, 20, 20],
          rope_type: 'default',
          type: 'default',
        },
      },
    },
  };
  return JSON.stringify(config, null, 1);
}

/**
 * vocab.json of a synthetic model: as many entries as the published one, the bytes and the prompt's words at their
 * published ids, placeholders such as `t300` elsewhere.
 *
 * @example
 * JSON.parse(syntheticVocabulary())['assistant']; // 77091
 */
export function syntheticVocabulary(): string {
  const idOf: Record<string, number> = {};
  const byteCharacters = printableFirst();
  for (let id = 0; id < VOCABULARY_ENTRIES; id++) {
    idOf[byteCharacters[id] ?? PROMPT_WORDS[id] ?? `t${id}`] = id;
  }
  return JSON.stringify(idOf);
}

/**
 * The characters that stand for the 256 bytes in byte-level BPE (GPT-2), in the order of their ids: bytes that print
 * stand for themselves; the others follow in order, as U+0100 and up.
 */
function printableFirst(): string[] {
  const printable: string[] = [];
  for (let byte = 0; byte < 256; byte++) {
    if ((byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad))
      printable.push(String.fromCharCode(byte));
  }
  const others = Array.from({ length: 256 - printable.length }, (_, i) => String.fromCharCode(256 + i));
  return [...printable, ...others];
}

import type { SyntheticSize } from './syntheticName.js';
import { SYNTHETIC_SHAPES } from './syntheticTensors.js';

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

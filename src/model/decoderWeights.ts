import type { Backend, Weight } from '../ops/operators.js';
import type { Parameter } from '../ops/parameter.js';
import type { DecoderConfig } from './config.js';
import type { ModelTensors } from './modelTensors.js';

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
  /** [V, H]; the very `embedTokens` when the checkpoint stores no head of its own. */
  readonly lmHead: Weight;
}

/**
 * Places the decoder's weights in a backend, checking every shape.
 *
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
): DecoderWeights {
  const { hidden, intermediate, headDim, vocab } = config;
  const queryRows = config.heads * headDim;
  const keyRows = config.kvHeads * headDim;
  const vector = (name: string, length: number) =>
    backend.weight(tensors.requireShape(`model.${name}.weight`, [length]), 'vector');
  const matrix = (name: string, rows: number, columns: number) =>
    backend.weight(tensors.requireShape(`model.${name}.weight`, [rows, columns]), 'matrix');
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
      gateProj: matrix(`${prefix}.mlp.gate_proj`, intermediate, hidden),
      upProj: matrix(`${prefix}.mlp.up_proj`, intermediate, hidden),
      downProj: matrix(`${prefix}.mlp.down_proj`, hidden, intermediate),
    };
  };
  const embedTokens = matrix('embed_tokens', vocab, hidden);
  return {
    embedTokens,
    layers: Array.from({ length: config.layers }, (_, index) => layer(index)),
    norm: vector('norm', hidden),
    lmHead: sharesEmbedding(tensors, config)
      ? embedTokens
      : backend.weight(tensors.requireShape('lm_head.weight', [vocab, hidden]), 'matrix'),
  };
}

/** No stored head, or (synthetic models) one that is the embedding's own memory. */
function sharesEmbedding(tensors: ModelTensors, config: DecoderConfig): boolean {
  if (config.tied) return true;
  const head = tensors.requireShape('lm_head.weight', [config.vocab, config.hidden]);
  return sameMemory(head, tensors.require('model.embed_tokens.weight'));
}

function sameMemory(a: Parameter, b: Parameter): boolean {
  return (
    a.dtype === b.dtype &&
    a.bytes.buffer === b.bytes.buffer &&
    a.bytes.byteOffset === b.bytes.byteOffset &&
    a.bytes.byteLength === b.bytes.byteLength
  );
}

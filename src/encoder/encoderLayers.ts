import type { EncoderConfig } from '../model/config.js';
import type { EncoderLayerWeights, EncoderWeights } from '../model/weights.js';
import type { Backend, Observer, Operators, Pass, Scope, Tensor } from '../ops/operators.js';

/**
 * Plans the transformer layers and the projector over the stem's rows, which are overwritten:
 *
 *   x ─ layerNorm ─ q, k, v ─ attention within windows ─ out_proj ─ + x      (layers times)
 *     ─ layerNorm ─ fc1 ─ GELU ─ fc2 ─ + x
 *   x ─ ln_post ─ proj1 ─ GELU ─ proj2 ─ output
 *
 * @param rows.stream [tokens, dModel] f32
 * @param rows.output [tokens, hidden] f32
 */
export function planEncoderLayers(
  backend: Backend,
  scope: Scope,
  model: { config: EncoderConfig; weights: EncoderWeights },
  rows: { stream: Tensor; output: Tensor },
  observer?: Observer,
): Pass {
  const { config, weights } = model;
  const buffers = makeBuffers(scope, config, rows.stream.shape[0]!);
  const { normed, hidden } = buffers;
  const { stream, output } = rows;
  const build = (ops: Operators): void => {
    for (const [index, layer] of weights.layers.entries()) {
      recordLayer(ops, config, layer, stream, buffers);
      ops.probe(`enc_layer${index}`, stream);
    }
    ops.layerNorm({ x: stream, ...weights.lnPost, epsilon: config.layerNormEpsilon, y: normed });
    ops.linear({ x: normed, ...weights.proj1, activation: 'gelu', y: hidden });
    ops.linear({ x: hidden, ...weights.proj2, y: output });
    ops.probe('encoder', output);
  };
  return backend.plan('encoder layers', build, observer);
}

/** Intermediate rows, shared by all layers; all operand. */
interface LayerBuffers {
  /** [tokens, dModel] */
  readonly normed: Tensor;
  /** [tokens, heads·headDim = dModel], as k, v and attended. */
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
  readonly attended: Tensor;
  /** [tokens, ffn] */
  readonly expanded: Tensor;
  /** [tokens, dModel]: inside the projector. */
  readonly hidden: Tensor;
}

function makeBuffers(scope: Scope, config: EncoderConfig, tokens: number): LayerBuffers {
  const rows = (label: string, width: number) => scope.tensor(`encoder ${label}`, [tokens, width], 'operand');
  return {
    normed: rows('normed', config.dModel),
    q: rows('q', config.dModel),
    k: rows('k', config.dModel),
    v: rows('v', config.dModel),
    attended: rows('attended', config.dModel),
    expanded: rows('expanded', config.ffn),
    hidden: rows('hidden', config.dModel),
  };
}

function recordLayer(
  ops: Operators,
  config: EncoderConfig,
  layer: EncoderLayerWeights,
  stream: Tensor,
  { normed, q, k, v, attended, expanded }: LayerBuffers,
): void {
  const { heads, windowTokens, layerNormEpsilon: epsilon } = config;
  ops.layerNorm({ x: stream, ...layer.selfAttnLayerNorm, epsilon, y: normed });
  ops.linear({ x: normed, ...layer.qProj, y: q });
  ops.linear({ x: normed, ...layer.kProj, y: k });
  ops.linear({ x: normed, ...layer.vProj, y: v });
  ops.windowAttention({ q, k, v, heads, windowTokens, y: attended });
  ops.linear({ x: attended, ...layer.outProj, residual: stream, y: stream });
  ops.layerNorm({ x: stream, ...layer.finalLayerNorm, epsilon, y: normed });
  ops.linear({ x: normed, ...layer.fc1, activation: 'gelu', y: expanded });
  ops.linear({ x: expanded, ...layer.fc2, residual: stream, y: stream });
}

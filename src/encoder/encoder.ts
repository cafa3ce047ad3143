import { QwenAsrError } from '../error.js';
import type { EncoderConfig } from '../model/config.js';
import { describeArgument } from '../model/describe.js';
import type { EncoderLayerWeights, EncoderWeights } from '../model/weights.js';
import type { Backend, Observer, Operators, Pass, Scope, Tensor } from '../ops/operators.js';
import { audioTokenCount, type MelInput, planConvStem } from './convStem.js';

/** Wall time of the two passes of one clip, planning and copies included. */
export interface EncodeTimings {
  readonly convStemMs: number;
  readonly encoderLayersMs: number;
}

/** Audio embeddings, as the decoder reads them. */
export interface Encoding {
  /** [tokens, hidden] f32, row-major. */
  readonly data: Float32Array;
  readonly tokens: number;
  readonly hidden: number;
  readonly timings: EncodeTimings;
}

/** The audio tower: conv stem, windowed transformer and projector. */
export class Encoder {
  readonly #backend: Backend;
  readonly #model: { config: EncoderConfig; weights: EncoderWeights };

  constructor(backend: Backend, config: EncoderConfig, weights: EncoderWeights) {
    this.#backend = backend;
    this.#model = { config, weights };
  }

  get config(): EncoderConfig {
    return this.#model.config;
  }

  /**
   * Takes the memory that a clip needs, and gives it back.
   *
   * @throws QwenAsrError `memory`
   */
  tryRoom(frames: number): void {
    const { config, weights } = this.#model;
    const tokens = audioTokenCount(frames, config.chunkFrames);
    const scope = this.#backend.createScope('encoder');
    try {
      const stream = scope.tensor('encoder stream', [tokens, config.dModel], 'f32');
      const output = scope.tensor('encoder output', [tokens, weights.proj2.weight.shape[0]!], 'f32');
      planConvStem(this.#backend, scope, this.#model, { frames, stream });
      planEncoderLayers(this.#backend, scope, this.#model, { stream, output });
    } finally {
      scope.release();
    }
  }

  /**
   * Embeds one clip. Probes, in order: `stem` [tokens, dModel], `enc_layer0`… [tokens, dModel], `encoder`
   * [tokens, hidden].
   *
   * @param mel [melBins, frames]; at least one frame
   * @param options.onStemEnd comes between conv stem and layers, outside of both timings
   * @throws QwenAsrError `audio` when the mel has no frame or its sizes disagree; `aborted`; `closed`
   */
  async encode(
    mel: MelInput,
    options: {
      signal?: AbortSignal | undefined;
      observer?: Observer | undefined;
      onStemEnd?: (() => void) | undefined;
    } = {},
  ): Promise<Encoding> {
    const { config, weights } = this.#model;
    checkMel(mel, config);
    const { signal, observer, onStemEnd } = options;
    const startMs = performance.now();
    const hidden = weights.proj2.weight.shape[0]!;
    const tokens = audioTokenCount(mel.frames, config.chunkFrames);
    const scope = this.#backend.createScope('encoder');
    try {
      const stream = scope.tensor('encoder stream', [tokens, config.dModel], 'f32');
      const output = scope.tensor('encoder output', [tokens, hidden], 'f32');
      const clip = { frames: mel.frames, stream };
      const stem = planConvStem(this.#backend, scope, this.#model, clip, observer);
      stem.write(mel);
      await stem.pass.run(signal);
      const convStemMs = performance.now() - startMs;
      onStemEnd?.();
      const layersStartMs = performance.now();
      const layers = planEncoderLayers(this.#backend, scope, this.#model, { stream, output }, observer);
      await layers.run(signal);
      const data = output.read();
      const timings = { convStemMs, encoderLayersMs: performance.now() - layersStartMs };
      return { data, tokens, hidden, timings };
    } finally {
      scope.release();
    }
  }
}

function checkMel(mel: MelInput, config: EncoderConfig): void {
  const expected = `[${config.melBins}, frames ≥ 1]`;
  if (mel.bins !== config.melBins || !Number.isInteger(mel.frames) || mel.frames < 1) {
    throw new QwenAsrError(
      'audio',
      `encode: expected a mel of ${expected}, found [${describeArgument(mel.bins)}, ${describeArgument(mel.frames)}]`,
    );
  }
  if (mel.data.length !== mel.bins * mel.frames) {
    throw new QwenAsrError(
      'audio',
      `encode: expected ${mel.bins * mel.frames} mel values, found ${mel.data.length}`,
    );
  }
}

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
function planEncoderLayers(
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

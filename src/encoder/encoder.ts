import { QwenAsrError } from '../error.js';
import type { EncoderConfig } from '../model/config.js';
import { describeArgument } from '../model/describe.js';
import type { EncoderWeights } from '../model/weights.js';
import type { Backend, Observer } from '../ops/operators.js';
import { audioTokenCount, type MelInput, planConvStem } from './convStem.js';
import { planEncoderLayers } from './encoderLayers.js';
import { GrowingEncoding } from './growingEncoding.js';

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

  /** The encoding of a clip that grows, which computes what is new. */
  grow(): GrowingEncoding {
    return new GrowingEncoding(this.#backend, this.#model);
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

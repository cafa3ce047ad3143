import type { EncoderConfig } from '../model/config.js';
import type { EncoderWeights } from '../model/weights.js';
import type { Backend } from '../ops/operators.js';
import { audioTokenCount, frameSlice, type MelInput, planConvStem } from './convStem.js';
import { planEncoderLayers } from './encoderLayers.js';

/** The encoding of a clip that grows, and what had to be computed for it. */
export interface GrownEncoding {
  /** [tokens, hidden] f32, row-major. */
  readonly data: Float32Array;
  readonly tokens: number;
  readonly hidden: number;
  /** The first so many tokens are what they were after the update before. */
  readonly unchangedTokens: number;
  /** Cells that had been final have changed, because the clip's maximum, and with it the floor of the mel, has. */
  readonly floorMoved: boolean;
  /** Tokens that went through the conv stem and through the layers this time. */
  readonly stemTokens: number;
  readonly layerTokens: number;
  /** Wall time of the conv stem. */
  readonly stemMs: number;
}

/** What is kept of the clip so far. */
interface Known {
  readonly mel: MelInput;
  /** [tokens, dModel] f32: the stem's rows. */
  readonly stem: Float32Array;
  /** [tokens, hidden] f32 */
  readonly data: Float32Array;
}

/**
 * The encoder's output for a clip that grows at its end. Chunks of 100 frames do not see each other in the conv stem, nor
 * windows of 8 s in the layers: those whose mel is bit for bit what it was keep their rows. All others are computed, so
 * that the result is always the one of the whole clip, whatever has changed in it.
 */
export class GrowingEncoding {
  readonly #backend: Backend;
  readonly #model: { config: EncoderConfig; weights: EncoderWeights };
  #known: Known | null = null;

  /** Made by `Encoder.grow`. */
  constructor(backend: Backend, model: { config: EncoderConfig; weights: EncoderWeights }) {
    this.#backend = backend;
    this.#model = model;
  }

  /** Forgets the clip: another one begins. */
  reset(): void {
    this.#known = null;
  }

  /**
   * @param mel [melBins, frames ≥ 1] of all that there is of the clip
   * @throws QwenAsrError `aborted`, after which all is as before; `memory`; `closed`
   */
  async update(mel: MelInput, signal?: AbortSignal): Promise<GrownEncoding> {
    const { config, weights } = this.#model;
    const known = this.#known;
    const changedFrame = known === null ? 0 : firstChange(known.mel, mel);
    const chunk = Math.floor(changedFrame / config.chunkFrames);
    const stemStart = audioTokenCount(chunk * config.chunkFrames, config.chunkFrames);
    const layerStart = stemStart - (stemStart % config.windowTokens);
    const tokens = audioTokenCount(mel.frames, config.chunkFrames);
    const hidden = weights.proj2.weight.shape[0]!;
    let { stem, data } = known ?? { stem: new Float32Array(0), data: new Float32Array(0) };
    let stemMs = 0;
    if (stemStart < tokens) {
      const startMs = performance.now();
      stem = continued(stem, stemStart, config.dModel, await this.#stem(mel, chunk, signal));
      stemMs = performance.now() - startMs;
      const rows = stem.subarray(layerStart * config.dModel);
      data = continued(data, layerStart, hidden, await this.#layers(rows, signal));
    }
    this.#known = { mel, stem, data };
    return {
      data,
      tokens,
      hidden,
      unchangedTokens: Math.min(layerStart, tokens),
      floorMoved: known !== null && changedFrame < Math.min(mel.frames, known.mel.frames) - 1,
      stemTokens: Math.max(0, tokens - stemStart),
      layerTokens: Math.max(0, tokens - layerStart),
      stemMs,
    };
  }

  /** The stem's rows from a chunk on. */
  async #stem(mel: MelInput, chunk: number, signal: AbortSignal | undefined): Promise<Float32Array> {
    const { config } = this.#model;
    const first = chunk * config.chunkFrames;
    const frames = mel.frames - first;
    const scope = this.#backend.createScope('encoder');
    try {
      const tokens = audioTokenCount(frames, config.chunkFrames);
      const stream = scope.tensor('encoder stream', [tokens, config.dModel], 'f32');
      const width = Math.min(config.chunkFrames, mel.frames);
      const stem = planConvStem(this.#backend, scope, this.#model, { frames, stream, width });
      stem.write({ bins: mel.bins, frames, data: frameSlice(mel, first, frames) });
      await stem.pass.run(signal);
      return stream.read();
    } finally {
      scope.release();
    }
  }

  /** @param rows [tokens, dModel] f32, from the start of a window on */
  async #layers(rows: Float32Array, signal: AbortSignal | undefined): Promise<Float32Array> {
    const { config, weights } = this.#model;
    const tokens = rows.length / config.dModel;
    const scope = this.#backend.createScope('encoder');
    try {
      const stream = scope.tensor('encoder stream', [tokens, config.dModel], 'f32');
      const output = scope.tensor('encoder output', [tokens, weights.proj2.weight.shape[0]!], 'f32');
      stream.write(rows);
      await planEncoderLayers(this.#backend, scope, this.#model, { stream, output }).run(signal);
      return output.read();
    } finally {
      scope.release();
    }
  }
}

/** The first frame in which two spectrograms differ: at the latest where the shorter of them ends. */
function firstChange(before: MelInput, after: MelInput): number {
  let first = Math.min(before.frames, after.frames);
  for (let bin = 0; bin < after.bins; bin++) {
    const from = bin * before.frames;
    const to = bin * after.frames;
    for (let frame = 0; frame < first; frame++) {
      if (before.data[from + frame] !== after.data[to + frame]) first = frame;
    }
  }
  return first;
}

/** The first `kept` rows of a matrix, and others behind them. */
function continued(rows: Float32Array, kept: number, width: number, others: Float32Array): Float32Array {
  const joined = new Float32Array(kept * width + others.length);
  joined.set(rows.subarray(0, kept * width));
  joined.set(others, kept * width);
  return joined;
}

import type { ModelInfo } from '../transcribe/types.js';

/*
 * How much arithmetic and memory traffic a run needs, from the model's shapes alone, so that its times can be held
 * against the machine's ceilings. A multiplication and an addition count as two operations. Counted are the matrix
 * products, convolutions and attention; norms, activations, rotary embedding and softmax are left out (together below
 * 1 % of the operations in the published shapes), and so is the mel spectrogram, whose count depends on the algorithm.
 */

/** Published encoder geometry: mel bands and frames of a chunk, tokens of an attention window. */
const MEL_BINS = 128;
const CHUNK_FRAMES = 100;
const WINDOW_TOKENS = 104;

/** What a run has to process; of audio that is cut, each segment by itself. */
export interface RunSize {
  /** Mel frames, 100 a second. */
  readonly frames: number;
  /** Audio embeddings. */
  readonly audioTokens: number;
  /** Tokens of the prompt, audio embeddings included; null for the encoder alone. */
  readonly promptTokens: number | null;
  /** Generated tokens, of which the prefill makes the first; null when the decoder does not run. */
  readonly tokens: number | null;
}

/** Operations and bytes; bytes are those that must be read from memory once: weights, and the KV cache of a step. */
export interface Work {
  readonly flops: number;
  readonly bytes: number;
}

/** What one segment asks of the decoder. */
export type DecodedSize = { readonly [Name in 'promptTokens' | 'tokens']: number };

/** The decode steps of several segments: every token's arithmetic and cache, but the weights once for each step. */
export function batchDecodeWork(model: ModelInfo, segments: readonly DecodedSize[], steps: number): Work {
  const alone = sumWork(
    segments.map(({ promptTokens, tokens }) => decodeWork(model, promptTokens, tokens - 1)),
  );
  const rows = segments.reduce((sum, { tokens }) => sum + tokens - 1, 0);
  return { flops: alone.flops, bytes: alone.bytes - (rows - steps) * decoderBytes(model) };
}

/**
 * Three 3×3 convolutions of stride 2 over chunks of 100 frames (a clip below one chunk: as wide as it is), and the
 * projection of every column: Σ 2·9·Cin·Cout·positions + 2·tokens·dModel·(Cout·height).
 */
export function convStemWork(model: ModelInfo, { frames, audioTokens }: RunSize): Work {
  const { convChannels, dModel } = model.encoder;
  const chunks = Math.ceil(frames / CHUNK_FRAMES);
  let [height, width, channels] = [MEL_BINS, Math.min(CHUNK_FRAMES, frames), 1];
  let flops = 0;
  for (let layer = 0; layer < 3; layer++) {
    [height, width] = [Math.ceil(height / 2), Math.ceil(width / 2)];
    flops += chunks * 2 * 9 * channels * convChannels * height * width;
    channels = convChannels;
  }
  const projection = convChannels * height * dModel;
  return { flops: flops + 2 * audioTokens * projection, bytes: model.readBytes.convStem };
}

/** q, k, v, out, fc1 and fc2 of every layer, attention in windows of 104 tokens, and the two-layer projector. */
export function encoderLayersWork(model: ModelInfo, audioTokens: number): Work {
  const { dModel, ffn, layers } = model.encoder;
  const layer = 4 * dModel * dModel + 2 * dModel * ffn;
  const projector = dModel * dModel + dModel * model.decoder.hidden;
  const parameters = layers * layer + projector;
  const fullWindows = Math.floor(audioTokens / WINDOW_TOKENS);
  const pairs = fullWindows * WINDOW_TOKENS ** 2 + (audioTokens % WINDOW_TOKENS) ** 2;
  return {
    flops: 2 * audioTokens * parameters + layers * attentionFlops(pairs, dModel),
    bytes: model.readBytes.encoderLayers,
  };
}

/**
 * One pass over the prompt with causal attention. Of the last layer only the keys, the values and q of all rows are
 * wanted; what follows them, and the logits, are computed for the last row alone.
 */
export function prefillWork(model: ModelInfo, promptTokens: number): Work {
  const { layers, heads, headDim } = model.decoder;
  const { queryKeyValue, rest, head } = decoderParameters(model);
  const width = heads * headDim;
  const causalPairs = (promptTokens * (promptTokens + 1)) / 2;
  const everyRow = layers * queryKeyValue + (layers - 1) * rest;
  const attention = (layers - 1) * attentionFlops(causalPairs, width) + attentionFlops(promptTokens, width);
  return {
    flops: 2 * promptTokens * everyRow + 2 * (rest + head) + attention,
    bytes: decoderBytes(model),
  };
}

/** All decode steps: every weight of the decoder once a step, and the keys and values so far. */
export function decodeWork(model: ModelInfo, promptTokens: number, steps: number): Work {
  let flops = 0;
  let bytes = 0;
  for (let step = 0; step < steps; step++) {
    const work = decodeStepWork(model, promptTokens + step + 1);
    flops += work.flops;
    bytes += work.bytes;
  }
  return { flops, bytes };
}

/** One decode step that attends to `keys` positions, its own included. */
export function decodeStepWork(model: ModelInfo, keys: number): Work {
  const { layers, heads, kvHeads, headDim } = model.decoder;
  const cacheElementBytes = model.operand === 'bf16' ? 2 : 4;
  return {
    flops: 2 * stepParameters(model) + layers * attentionFlops(keys, heads * headDim),
    bytes: decoderBytes(model) + layers * 2 * keys * kvHeads * headDim * cacheElementBytes,
  };
}

/** Weights of the decoder that a step multiplies, in elements. */
function stepParameters(model: ModelInfo): number {
  const { queryKeyValue, rest, head } = decoderParameters(model);
  return model.decoder.layers * (queryKeyValue + rest) + head;
}

/** The same in bytes, as they lie in memory: what a step reads beside the cache. */
function decoderBytes({ readBytes }: ModelInfo): number {
  return readBytes.decoderLayers + readBytes.head;
}

export function sumWork(parts: readonly Work[]): Work {
  return parts.reduce((a, b) => ({ flops: a.flops + b.flops, bytes: a.bytes + b.bytes }), {
    flops: 0,
    bytes: 0,
  });
}

/** q·k and p·v of every head, for so many pairs of a query and a key. */
function attentionFlops(pairs: number, width: number): number {
  return 4 * pairs * width;
}

/** Weights of a decoder layer (before and after the cache) and of the output head, in elements; norms left out. */
function decoderParameters({ decoder }: ModelInfo): { queryKeyValue: number; rest: number; head: number } {
  const { hidden, heads, kvHeads, headDim, intermediate, vocab } = decoder;
  return {
    queryKeyValue: hidden * (heads + 2 * kvHeads) * headDim,
    rest: heads * headDim * hidden + 3 * hidden * intermediate,
    head: vocab * hidden,
  };
}

import type { EncoderConfig } from '../model/config.js';
import type { EncoderWeights } from '../model/weights.js';
import type { Backend, FeatureMap, Observer, Operators, Pass, Scope, Tensor } from '../ops/operators.js';

/**
 * Chunks convolved together. The feature maps of one group are what the stem needs of memory (0.6B shapes: 8 MB a chunk
 * in f32), however long the clip is; 8 chunks are thousands of matrix rows, enough to keep all cores busy.
 */
const CHUNKS_PER_GROUP = 8;

/** A log-mel spectrogram, as the encoder reads it. */
export interface MelInput {
  /** [bins, frames] f32, row-major. */
  readonly data: Float32Array;
  readonly bins: number;
  readonly frames: number;
}

/** What of a clip goes through the stem. */
export interface StemInput {
  readonly frames: number;
  /** [audioTokenCount(frames), dModel] f32: where the rows go. */
  readonly stream: Tensor;
  /** Frames that every chunk is convolved at; default: those of a full chunk, or of a clip that is shorter. */
  readonly width?: number | undefined;
}

/** The planned stem of one clip. */
export interface ConvStem {
  /** Copies the clip's mel into the pass's inputs. */
  write(mel: MelInput): void;
  readonly pass: Pass;
}

/**
 * Plans the conv stem, which writes one row per audio token into `stream`:
 *
 *   mel [bins, frames] → chunks of 100 frames, the tail zero-padded (a clip below 100 frames: one chunk as it is)
 *     → conv2d1 → GELU → conv2d2 → GELU → conv2d3 → GELU    [chunks, channels, bins/8, width/8]
 *     → rows of channel-major features → conv_out           [tokens, dModel]
 *     + sinusoidal positions, from 0 in every chunk
 *
 */
export function planConvStem(
  backend: Backend,
  scope: Scope,
  model: { config: EncoderConfig; weights: EncoderWeights },
  clip: StemInput,
  observer?: Observer,
): ConvStem {
  const { chunkFrames } = model.config;
  const width = clip.width ?? Math.min(chunkFrames, clip.frames);
  const groupFrames = CHUNKS_PER_GROUP * width;
  const inputs: { mel: Tensor; firstFrame: number }[] = [];
  const build = (ops: Operators): void => {
    const chunksInAll = Math.ceil(clip.frames / width);
    const buffers = makeBuffers(scope, model, Math.min(CHUNKS_PER_GROUP, chunksInAll), width);
    for (let firstFrame = 0; firstFrame < clip.frames; firstFrame += groupFrames) {
      const frames = Math.min(groupFrames, clip.frames - firstFrame);
      const mel = scope.tensor('mel group', [model.config.melBins, frames], 'f32');
      inputs.push({ mel, firstFrame });
      const firstToken = audioTokenCount(firstFrame, chunkFrames);
      const tokens = audioTokenCount(frames, chunkFrames);
      const group = firstChunks(buffers, Math.ceil(frames / width));
      recordGroup(ops, model.weights, mel, group, clip.stream.rows(firstToken, firstToken + tokens));
    }
    ops.probe('stem', clip.stream);
  };
  const pass = backend.plan('conv stem', build, observer);
  return {
    pass,
    write: (mel) => {
      for (const input of inputs) input.mel.write(frameSlice(mel, input.firstFrame, input.mel.shape[1]!));
    },
  };
}

/** Memory that all groups share, one after the other. */
interface GroupBuffers {
  /** Chunked mel and the outputs of the three convolutions. */
  readonly maps: readonly [FeatureMap, FeatureMap, FeatureMap, FeatureMap];
  /** [chunks·chunkTokens, channels·bins/8] operand. */
  readonly features: Tensor;
  /** [chunks·chunkTokens, dModel] f32: the position table once per chunk. */
  readonly positions: Tensor;
}

function makeBuffers(
  scope: Scope,
  { config, weights }: { config: EncoderConfig; weights: EncoderWeights },
  chunks: number,
  width: number,
): GroupBuffers {
  const sizes = [{ channels: 1, height: config.melBins, width }];
  for (let i = 0; i < 3; i++) {
    const { height, width } = sizes[i]!;
    sizes.push({ channels: config.convChannels, height: halved(height), width: halved(width) });
  }
  const maps = sizes.map((size, i) => {
    const readBy = i === 1 ? weights.conv2d2.weight : undefined;
    return scope.featureMap(`conv stem ${i}`, { chunks, ...size }, readBy);
  });
  const rows = chunks * chunkTokenCount(width);
  const features = scope.tensor('conv features', [rows, config.convChannels * sizes[3]!.height], 'operand');
  const positions = scope.tensor('conv positions', [rows, config.dModel], 'f32');
  const table = sinusoidalPositions(chunkTokenCount(width), config.dModel);
  const repeated = new Float32Array(chunks * table.length);
  for (let chunk = 0; chunk < chunks; chunk++) repeated.set(table, chunk * table.length);
  positions.write(repeated);
  return { maps: maps as unknown as GroupBuffers['maps'], features, positions };
}

/** The same memory for the last group, which may have fewer chunks than the others. */
function firstChunks({ maps, features, positions }: GroupBuffers, chunks: number): GroupBuffers {
  const [chunked, first, second, third] = maps;
  return {
    maps: [
      chunked.firstChunks(chunks),
      first.firstChunks(chunks),
      second.firstChunks(chunks),
      third.firstChunks(chunks),
    ],
    features,
    positions,
  };
}

function recordGroup(
  ops: Operators,
  weights: EncoderWeights,
  mel: Tensor,
  buffers: GroupBuffers,
  stream: Tensor,
): void {
  const [chunked, first, second, third] = buffers.maps;
  const tokens = stream.shape[0]!;
  const features = buffers.features.rows(0, tokens);
  ops.chunkMel({ mel, y: chunked });
  ops.conv2dGelu({ x: chunked, ...weights.conv2d1, y: first });
  ops.conv2dGelu({ x: first, ...weights.conv2d2, y: second });
  ops.conv2dGelu({ x: second, ...weights.conv2d3, y: third });
  ops.flattenTime({ x: third, y: features });
  ops.linear({
    x: features,
    weight: weights.convOut,
    residual: buffers.positions.rows(0, tokens),
    y: stream,
  });
}

/** Columns [first, first + frames) of a mel, as [bins, frames] f32. */
export function frameSlice(mel: MelInput, first: number, frames: number): Float32Array {
  const slice = new Float32Array(mel.bins * frames);
  for (let bin = 0; bin < mel.bins; bin++) {
    const start = bin * mel.frames + first;
    slice.set(mel.data.subarray(start, start + frames), bin * frames);
  }
  return slice;
}

/** Longest wavelength of the sinusoids is 2π·10000 positions (Vaswani et al., arXiv:1706.03762; Whisper's layout). */
const MAX_TIMESCALE = 10000;

/**
 * Sinusoidal position embeddings in Whisper's layout: row p is [sin(p·fᵢ) | cos(p·fᵢ)], fᵢ = 10000^(−i/(D/2−1)).
 *
 * @param count positions 0…count−1
 * @param dModel D, even and at least 4
 * @returns [count, dModel] f32, computed in f64
 */
export function sinusoidalPositions(count: number, dModel: number): Float32Array {
  const half = dModel / 2;
  const table = new Float32Array(count * dModel);
  for (let i = 0; i < half; i++) {
    const frequency = Math.exp((-Math.log(MAX_TIMESCALE) / (half - 1)) * i);
    for (let position = 0; position < count; position++) {
      table[position * dModel + i] = Math.sin(position * frequency);
      table[position * dModel + half + i] = Math.cos(position * frequency);
    }
  }
  return table;
}

/** Every convolution of the stem has stride 2, padding 1 and a 3-wide filter: n inputs give ⌈n/2⌉ outputs. */
function halved(length: number): number {
  return Math.ceil(length / 2);
}

/** Tokens of one chunk of `frames` mel frames (0 for none): the three halvings of the conv stem. */
function chunkTokenCount(frames: number): number {
  return halved(halved(halved(frames)));
}

/**
 * Audio tokens of a clip: every full chunk gives {@link chunkTokenCount}(chunkFrames) = 13, the tail what its own frames
 * give, although it is convolved at full width.
 *
 * @param frames mel frames of 10 ms
 * @param chunkFrames frames of a full chunk; 100 in the published models (2 · n_window)
 * @example
 * audioTokenCount(500); // 65
 */
export function audioTokenCount(frames: number, chunkFrames = 100): number {
  const chunks = Math.floor(frames / chunkFrames);
  return chunks * chunkTokenCount(chunkFrames) + chunkTokenCount(frames % chunkFrames);
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { audioTokenCount, planConvStem, sinusoidalPositions } from '../../src/encoder/convStem.js';
import type { EncoderConfig } from '../../src/model/config.js';
import type { EncoderWeights, WeightAndBias } from '../../src/model/weights.js';
import type { Weight } from '../../src/ops/operators.js';
import { gelu } from '../../src/ops/reference/products.js';
import { createReferenceBackend } from '../../src/ops/reference/referenceBackend.js';
import { Random } from '../support/random.js';

/** A stem in miniature; every size differs from every other. */
const CHANNELS = 3;
const MEL_BINS = 16;
const D_MODEL = 10;
const CHUNK_FRAMES = 20;

const random = new Random(11);
const backend = createReferenceBackend();

const convolutions = [1, CHANNELS, CHANNELS].map((inputs) => ({
  inputs,
  filters: random.floats(CHANNELS * inputs * 9),
  bias: random.floats(CHANNELS),
}));
const convOut = random.floats(D_MODEL * CHANNELS * (MEL_BINS / 8), 0.5);

function weight(shape: readonly number[], values: Float32Array): Weight {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return backend.weight({ name: 'w', shape, dtype: 'f32', bytes });
}

const [conv2d1, conv2d2, conv2d3] = convolutions.map(
  ({ inputs, filters, bias }): WeightAndBias => ({
    weight: weight([CHANNELS, inputs, 3, 3], filters),
    bias: weight([CHANNELS], bias),
  }),
);

// The stem reads only what is given here.
const model = {
  config: {
    melBins: MEL_BINS,
    chunkFrames: CHUNK_FRAMES,
    convChannels: CHANNELS,
    dModel: D_MODEL,
  } as EncoderConfig,
  weights: {
    conv2d1,
    conv2d2,
    conv2d3,
    convOut: weight([D_MODEL, (CHANNELS * MEL_BINS) / 8], convOut),
  } as EncoderWeights,
};

type Image = number[][][]; // [channels][height][width]

function convolve(image: Image, layer: (typeof convolutions)[number]): Image {
  const [height, width] = [image[0]!.length, image[0]![0]!.length];
  const size = (length: number) => Math.floor((length + 2 - 3) / 2) + 1;
  return Array.from({ length: CHANNELS }, (_, out) =>
    Array.from({ length: size(height) }, (_, i) =>
      Array.from({ length: size(width) }, (_, j) => {
        let sum = layer.bias[out]!;
        for (let c = 0; c < layer.inputs; c++)
          for (let a = 0; a < 3; a++)
            for (let b = 0; b < 3; b++) {
              const pixel = image[c]![2 * i + a - 1]?.[2 * j + b - 1] ?? 0;
              sum += layer.filters[((out * layer.inputs + c) * 3 + a) * 3 + b]! * pixel;
            }
        return gelu(sum);
      }),
    ),
  );
}

/** Rows of one chunk of mel columns, as many as `validFrames` are worth. */
function chunkRows(columns: number[][], validFrames: number): number[] {
  let image: Image = [Array.from({ length: MEL_BINS }, (_, bin) => columns.map((column) => column[bin]!))];
  for (const layer of convolutions) image = convolve(image, layer);
  const tokens = Math.ceil(validFrames / 8);
  return Array.from({ length: tokens }, (_, t) => {
    const features = image.flatMap((channel) => channel.map((row) => row[t]!));
    return Array.from({ length: D_MODEL }, (_, d) => {
      const product = features.reduce((sum, x, k) => sum + x * convOut[d * features.length + k]!, 0);
      const half = D_MODEL / 2;
      const angle = t * Math.exp((-Math.log(10000) / (half - 1)) * (d % half));
      return product + (d < half ? Math.sin(angle) : Math.cos(angle));
    });
  }).flat();
}

function expectedStem(mel: Float32Array, frames: number): number[] {
  const column = (t: number) => Array.from({ length: MEL_BINS }, (_, bin) => mel[bin * frames + t]!);
  const zeros = new Array<number>(MEL_BINS).fill(0);
  const rows: number[] = [];
  for (let start = 0; start < frames; start += CHUNK_FRAMES) {
    const valid = Math.min(CHUNK_FRAMES, frames - start);
    const columns = Array.from({ length: valid }, (_, t) => column(start + t));
    // With a full chunk in the clip, the tail is padded to its width; alone, it keeps its own.
    while (frames >= CHUNK_FRAMES && columns.length < CHUNK_FRAMES) columns.push(zeros);
    rows.push(...chunkRows(columns, valid));
  }
  return rows;
}

test('the stem is the written-out convolution, chunk by chunk, for clips of every kind of length', async () => {
  const group = 8 * CHUNK_FRAMES;
  const lengths = [1, 7, 8, 9, 19, 20, 21, 39, 40, 53, group - 1, group, group + 1, 2 * group + 33];
  for (const frames of lengths) {
    const mel = random.floats(MEL_BINS * frames);
    const expected = expectedStem(mel, frames);
    const tokens = expected.length / D_MODEL;
    const scope = backend.createScope('test');
    const stream = scope.tensor('stream', [tokens, D_MODEL], 'f32');
    const stem = planConvStem(backend, scope, model, { frames, stream });
    stem.write({ data: mel, bins: MEL_BINS, frames });
    await stem.pass.run();
    const found = stream.read();
    for (const [at, value] of expected.entries()) {
      assert.ok(
        Math.abs(found[at]! - value) < 1e-5,
        `${frames} frames, [${at}]: ${found[at]}, expected ${value}`,
      );
    }
    scope.release();
  }
});

test('the first position is sin 0 = 0 and cos 0 = 1', () => {
  assert.deepEqual([...sinusoidalPositions(1, 6)], [0, 0, 0, 1, 1, 1]);
});

test('frequencies fall from 1 to 1/10000, sines in the first half', () => {
  const [dModel, position] = [128, 9];
  const row = sinusoidalPositions(13, dModel).subarray(position * dModel, (position + 1) * dModel);
  for (let i = 0; i < 64; i++) {
    const angle = position / 10000 ** (i / 63);
    assert.ok(Math.abs(row[i]! - Math.sin(angle)) < 1e-7, `sin ${i}`);
    assert.ok(Math.abs(row[64 + i]! - Math.cos(angle)) < 1e-7, `cos ${i}`);
  }
});

/** Outputs of a convolution, from the general formula: ⌊(n + 2·padding − kernel)/stride⌋ + 1. */
function convolved(length: number, kernel = 3, stride = 2, padding = 1): number {
  return Math.floor((length + 2 * padding - kernel) / stride) + 1;
}

/** Splits frames into chunks, pads nothing, and counts what three convolutions leave of each. */
function simulated(frames: number, chunkFrames: number): number {
  let tokens = 0;
  for (let start = 0; start < frames; start += chunkFrames) {
    tokens += convolved(convolved(convolved(Math.min(chunkFrames, frames - start))));
  }
  return tokens;
}

test('token counts are those of the convolutions, for every length up to 50 s', () => {
  for (let frames = 0; frames <= 5000; frames++) {
    assert.equal(audioTokenCount(frames), simulated(frames, 100), `${frames} frames`);
  }
  for (const chunkFrames of [8, 50, 64, 200]) {
    for (let frames = 0; frames <= 700; frames++) {
      assert.equal(audioTokenCount(frames, chunkFrames), simulated(frames, chunkFrames));
    }
  }
});

test('known counts', () => {
  assert.deepEqual(
    [0, 1, 8, 9, 99, 100, 101, 500].map((n) => audioTokenCount(n)),
    [0, 1, 1, 2, 13, 13, 14, 65],
  );
});

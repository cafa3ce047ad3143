import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadWav } from '../../src/audio/openAudio.js';
import { workOfRun, workOfSegments } from '../../src/bench/phases.js';
import {
  convStemWork,
  decodeStepWork,
  decodeWork,
  encoderLayersWork,
  prefillWork,
} from '../../src/bench/workload.js';
import type { Operators } from '../../src/ops/operators.js';
import { createReferenceBackend } from '../../src/ops/reference/referenceBackend.js';
import type { ModelInfo } from '../../src/transcribe/types.js';
import { demoModelDir } from '../support/projectRoot.js';
import { INFO_1_7B } from './fakeModel.js';
import { modelOnBackend } from './support/modelOnBackend.js';
import { wrapBackend } from './support/wrapBackend.js';

/** The published 0.6B shapes. */
const INFO_0_6B: ModelInfo = {
  ...INFO_1_7B,
  parameters: 938_000_000,
  weightBytes: 1_876_000_000,
  precision: 'bf16',
  operand: 'bf16',
  products: { convolutions: 'bf16', encoderLayers: 'bf16', prefill: 'bf16' },
  readBytes: {
    convStem: 2 * (9 * 480 + 2 * 9 * 480 * 480 + 7680 * 896),
    encoderLayers: 2 * (18 * (4 * 896 * 896 + 2 * 896 * 3584) + 896 * 896 + 896 * 1024),
    decoderLayers: 2 * 28 * (1024 * 4096 + 2048 * 1024 + 3 * 1024 * 3072),
    head: 2 * 151936 * 1024,
  },
  encoder: { dModel: 896, layers: 18, heads: 14, ffn: 3584, convChannels: 480 },
  decoder: {
    hidden: 1024,
    layers: 28,
    heads: 16,
    kvHeads: 8,
    headDim: 128,
    intermediate: 3072,
    vocab: 151936,
  },
};
/** A recording of 11 s. */
const CLIP = { frames: 1100, audioTokens: 143, promptTokens: 157, tokens: 33 };

const within = (found: number, expected: number, percent: number) =>
  assert.ok(Math.abs(found / expected - 1) < percent / 100, `${found}, expected about ${expected}`);

test('the 0.6B model on 11 s: about 98 GFLOP in the encoder, 138 in the prefill, 1.19 GB a decode step', () => {
  const encoder = convStemWork(INFO_0_6B, CLIP).flops + encoderLayersWork(INFO_0_6B, 143).flops;
  within(encoder, 98e9, 2);
  within(prefillWork(INFO_0_6B, 157).flops, 138e9, 3);
  const { bytes } = decodeStepWork(INFO_0_6B, 1);
  within(bytes, 1.19e9, 1);
});

test('the conv stem by hand: one chunk of 100 frames, and a clip below a chunk', () => {
  const { convChannels: c, dModel } = INFO_0_6B.encoder;
  const full = 2 * 9 * (64 * 50 * c + 32 * 25 * c * c + 16 * 13 * c * c) + 2 * 13 * dModel * c * 16;
  assert.equal(convStemWork(INFO_0_6B, { ...CLIP, frames: 100, audioTokens: 13 }).flops, full);
  const short = 2 * 9 * (64 * 20 * c + 32 * 10 * c * c + 16 * 5 * c * c) + 2 * 5 * dModel * c * 16;
  assert.equal(convStemWork(INFO_0_6B, { ...CLIP, frames: 40, audioTokens: 5 }).flops, short);
});

test('a later decode step reads one position more of the cache, in the precision of the cache', () => {
  const { layers, kvHeads, headDim } = INFO_0_6B.decoder;
  const position = layers * 2 * kvHeads * headDim;
  const grows = (info: ModelInfo) => decodeStepWork(info, 101).bytes - decodeStepWork(info, 100).bytes;
  assert.equal(grows(INFO_0_6B), 2 * position);
  assert.equal(grows({ ...INFO_0_6B, operand: 'f32' }), 4 * position);
  const [first, second] = [decodeStepWork(INFO_0_6B, 158), decodeStepWork(INFO_0_6B, 159)];
  assert.deepEqual(decodeWork(INFO_0_6B, 157, 2), {
    flops: first.flops + second.flops,
    bytes: first.bytes + second.bytes,
  });
});

test('phases that did not run have no work', () => {
  const phases = (size: Partial<typeof CLIP> | { tokens: null; promptTokens: null }) =>
    workOfRun(INFO_0_6B, { ...CLIP, ...size }).map(({ phase }) => phase);
  assert.deepEqual(phases({}), ['convStem', 'encoderLayers', 'prefill', 'decode']);
  assert.deepEqual(phases({ tokens: 1 }), ['convStem', 'encoderLayers', 'prefill']);
  assert.deepEqual(phases({ tokens: null, promptTokens: null }), ['convStem', 'encoderLayers']);
  assert.ok(workOfRun(INFO_0_6B, CLIP).every(({ arithmetic }) => arithmetic === 'bf16'));
  for (const precision of ['int8', 'int4'] as const) {
    const products = { convolutions: 'bf16', encoderLayers: 'f32', prefill: 'int8' } as const;
    const work = workOfRun({ ...INFO_0_6B, precision, products }, CLIP);
    assert.deepEqual(
      work.map(({ arithmetic }) => arithmetic),
      ['bf16', 'f32', 'int8', 'int8'], // steps multiply bytes
    );
  }
});

test('segments add up, but decode steps that they share read the weights once', () => {
  const short = { frames: 200, audioTokens: 26, promptTokens: 40, tokens: 4 };
  const [a, b] = [workOfRun(INFO_0_6B, CLIP), workOfRun(INFO_0_6B, short)];
  const alone = 32 + 3; // decode steps one by one
  const sum = (member: 'flops' | 'bytes') =>
    a.map((record, index) => (record[member] ?? 0) + (b[index]?.[member] ?? 0));
  const apart = workOfSegments(INFO_0_6B, [CLIP, short], alone);
  assert.deepEqual(
    apart.map(({ phase, flops, bytes }) => [phase, flops, bytes]),
    a.map(({ phase }, index) => [phase, sum('flops')[index], sum('bytes')[index]]),
  );
  // Side by side the three steps of the short one come with those of the other.
  const together = workOfSegments(INFO_0_6B, [CLIP, short], 32);
  const cacheOf = (keys: number) =>
    decodeStepWork(INFO_0_6B, keys).bytes - decodeStepWork(INFO_0_6B, 0).bytes;
  const weights = decodeStepWork(INFO_0_6B, 0).bytes;
  let bytes = 32 * weights;
  for (let step = 1; step <= 32; step++) bytes += cacheOf(157 + step);
  for (let step = 1; step <= 3; step++) bytes += cacheOf(40 + step);
  assert.equal(Math.round(together.at(-1)?.bytes ?? 0), Math.round(bytes));
  assert.deepEqual(
    together.map(({ flops }) => flops),
    apart.map(({ flops }) => flops),
  );
  assert.deepEqual(together.slice(0, 3), apart.slice(0, 3));
  assert.deepEqual(
    workOfSegments(INFO_0_6B, [], 0).map(({ flops }) => flops),
    [0, 0],
  );
});

for (const clip of ['timer-en.wav', 'morning-en.wav']) {
  test(`the count is that of the operators which the stages record: ${clip}`, async () => {
    const counted = new Map<string, number>();
    const backend = wrapBackend(createReferenceBackend(), {
      onPlan: (label, build) => counted.set(label, countFlops(build)),
    });
    const model = await modelOnBackend(demoModelDir, backend);
    const { samples } = await loadWav(join(demoModelDir, 'samples', clip));
    const { promptTokenCount, audioTokenCount } = await model.transcribe(samples).result;
    await model.close();
    const frames = Math.floor(samples.length / 160);
    const size = { frames, audioTokens: audioTokenCount, promptTokens: promptTokenCount, tokens: 2 };
    assert.equal(convStemWork(model.info, size).flops, counted.get('conv stem'));
    assert.equal(encoderLayersWork(model.info, audioTokenCount).flops, counted.get('encoder layers'));
    assert.equal(
      prefillWork(model.info, promptTokenCount).flops,
      counted.get('prefill')! + attention(model.info, promptTokenCount),
    );
    assert.equal(
      decodeStepWork(model.info, promptTokenCount + 1).flops,
      counted.get('decode step')! + model.info.decoder.layers * pairFlops(model.info, promptTokenCount + 1),
    );
  });
}

/** The cached attention of a prefill, row by row; the counted operators do not show how far each row looks. */
function attention(info: ModelInfo, rows: number): number {
  let flops = pairFlops(info, rows); // the last layer: the last row alone
  for (let keys = 1; keys <= rows; keys++) flops += (info.decoder.layers - 1) * pairFlops(info, keys);
  return flops;
}

/** One query of every head against so many keys: a dot product and a weighted sum. */
function pairFlops({ decoder }: ModelInfo, keys: number): number {
  return decoder.heads * (2 * keys * decoder.headDim + 2 * keys * decoder.headDim);
}

/** Operations of the recorded products, from the shapes of their operands. */
function countFlops(build: (ops: Operators) => void): number {
  let flops = 0;
  const product = (rows: number, weight: { shape: readonly number[] }): void => {
    flops += 2 * rows * weight.shape[0]! * weight.shape[1]!;
  };
  const ignore = (): void => {};
  build({
    logMel: ignore,
    chunkMel: ignore,
    flattenTime: ignore,
    layerNorm: ignore,
    rmsNorm: ignore,
    rotaryToCache: ignore,
    cachedAttention: ignore,
    embed: ignore,
    probe: ignore,
    conv2dGelu: ({ x, y }) => {
      flops += 2 * 9 * x.channels * y.channels * y.chunks * y.height * y.width;
    },
    linear: ({ x, weight }) => product(x.shape[0]!, weight),
    swiglu: ({ x, gate, up }) => {
      product(x.shape[0]!, gate);
      product(x.shape[0]!, up);
    },
    argmaxLinear: ({ x, weight }) => product(x.shape[0]!, weight),
    windowAttention: ({ q, windowTokens }) => {
      const [tokens = 0, width = 0] = q.shape;
      for (let row = 0; row < tokens; row++) {
        const windowStart = row - (row % windowTokens);
        flops += 4 * width * Math.min(windowTokens, tokens - windowStart);
      }
    },
  });
  return flops;
}

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { melSpectrogram } from '../../src/audio/melSpectrogram.js';
import { loadWav } from '../../src/audio/openAudio.js';
import { Encoder } from '../../src/encoder/encoder.js';
import { readModelConfig } from '../../src/model/config.js';
import { readModelDirectory } from '../../src/model/modelDirectory.js';
import type { ModelFiles } from '../../src/model/readModelFolder.js';
import { loadEncoderWeights } from '../../src/model/weights.js';
import type { Backend } from '../../src/ops/operators.js';
import { chooseBackend } from '../../src/transcribe/chooseBackend.js';
import { demoModelDir } from '../support/projectRoot.js';

/** What the whole clip at once gives may differ by the order of sums: model-spec of the live mode, 1e-5. */
const BOUND = 1e-5;
const TOKENS_PER_WINDOW = 104;

let backend: Backend;
let files: ModelFiles;
let encoder: Encoder;
/** 20 s: the recording as often as it fits. */
let clip: Float32Array;

before(async () => {
  ({ backend } = await chooseBackend({ precision: 'f32' }, demoModelDir));
  files = await readModelDirectory(demoModelDir);
  const config = readModelConfig(files.tensors, files.configJson);
  const weights = loadEncoderWeights(files.tensors, config.encoder, config.decoder.hidden, backend);
  encoder = new Encoder(backend, config.encoder, weights);
  const { samples } = await loadWav(`${demoModelDir}/samples/timer-en.wav`);
  clip = Float32Array.from({ length: 20 * 16_000 }, (_, i) => 0.5 * samples[i % samples.length]!);
  // The peak comes in the first window, so that the floor of the mel stays where it is.
  for (let i = 0; i < 3200; i++) clip[i] = 0.95 * Math.sin((2 * Math.PI * 1000 * i) / 16_000);
});

after(async () => {
  await backend.close();
  files.release();
});

/** Asserts that a grown encoding is that of the clip. */
async function assertSame(grown: { data: Float32Array; tokens: number }, samples: Float32Array) {
  const whole = await encoder.encode(melSpectrogram(samples));
  assert.equal(grown.tokens, whole.tokens);
  const scale = Math.max(...whole.data.map(Math.abs));
  let worst = 0;
  whole.data.forEach((value, i) => {
    worst = Math.max(worst, Math.abs(value - grown.data[i]!));
  });
  assert.ok(worst < BOUND * scale, `difference ${worst} at scale ${scale}`);
}

test('a clip that grows has the encoding of the whole clip, and full windows are computed once', async () => {
  const encoding = encoder.grow();
  let computed = 0;
  for (const seconds of [0.5, 0.99, 2, 3.05, 4, 8, 8.4, 10, 11.995, 14, 16, 17, 20]) {
    const samples = clip.subarray(0, Math.round(seconds * 16_000));
    const grown = await encoding.update(melSpectrogram(samples));
    await assertSame(grown, samples);
    assert.equal(grown.floorMoved, false, `at ${seconds} s`);
    const finalWindows = Math.max(0, Math.floor((samples.length - 200) / 128_000));
    if (seconds === 14) assert.equal(grown.layerTokens, grown.tokens - finalWindows * TOKENS_PER_WINDOW);
    if (seconds === 20) assert.equal(grown.unchangedTokens, 2 * TOKENS_PER_WINDOW);
    computed += grown.stemTokens;
  }
  // Of the stem only the last chunk, which is not whole yet or mirrors what is to come, is computed twice.
  assert.ok(computed < 2.5 * 260, `${computed} tokens went through the stem`);
});

test('a louder cell raises the floor, and what it changes is computed again', async () => {
  const encoding = encoder.grow();
  const quiet = clip.map((value) => 0.001 * value);
  await encoding.update(melSpectrogram(quiet.subarray(0, 9 * 16_000)));
  const louder = quiet.slice();
  louder.set(clip.subarray(0, 16_000), 9 * 16_000);
  const samples = louder.subarray(0, 10 * 16_000);
  const grown = await encoding.update(melSpectrogram(samples));
  assert.equal(grown.floorMoved, true);
  assert.equal(grown.unchangedTokens, 0);
  await assertSame(grown, samples);
});

test('a clip may end earlier than it seemed, and be followed by another', async () => {
  const encoding = encoder.grow();
  await encoding.update(melSpectrogram(clip.subarray(0, 18 * 16_000)));
  const cut = clip.subarray(0, 17.3 * 16_000);
  const shorter = await encoding.update(melSpectrogram(cut));
  assert.equal(shorter.unchangedTokens, 2 * TOKENS_PER_WINDOW);
  await assertSame(shorter, cut);
  const other = clip.subarray(5 * 16_000, 8 * 16_000);
  await assertSame(await encoding.update(melSpectrogram(other)), other);
  encoding.reset();
  const grown = await encoding.update(melSpectrogram(other));
  assert.equal(grown.unchangedTokens, 0);
  await assertSame(grown, other);
});

test('an update that is stopped leaves what was known', async () => {
  const encoding = encoder.grow();
  const first = clip.subarray(0, 9 * 16_000);
  await encoding.update(melSpectrogram(first));
  const longer = melSpectrogram(clip.subarray(0, 12 * 16_000));
  await assert.rejects(encoding.update(longer, AbortSignal.abort()), { code: 'aborted' });
  const grown = await encoding.update(longer);
  assert.equal(grown.unchangedTokens, TOKENS_PER_WINDOW);
  await assertSame(grown, clip.subarray(0, 12 * 16_000));
});

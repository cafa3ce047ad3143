import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { runInNewContext } from 'node:vm';
import { loadAudio, loadModel, loadWav, openAudio, type SpeechModel } from '../../src/index.js';
import { oneLineError } from '../model/support/oneLineError.js';
import { demoModelDir } from '../support/projectRoot.js';

/** What JavaScript lets callers pass, whatever the types say. */
const NO_SAMPLES: readonly (readonly [value: unknown, found: RegExp])[] = [
  [[1, 2], /found (an Array|1)$/],
  [undefined, /found undefined$/],
  [null, /found null$/],
  [new Float64Array(16_000), /found a Float64Array$/],
  [new Int16Array(16_000), /found an Int16Array$/],
  ['abc', /found "abc"$/],
  [{ samples: new Float32Array(16_000) }, /found an Object$/],
  [new ArrayBuffer(64_000), /found an ArrayBuffer$/],
  [new Uint8Array(64_000), /found a Uint8Array$/],
  [() => new Float32Array(16_000), /found a function$/],
  [runInNewContext('new Float64Array(16000)'), /found a Float64Array$/],
  [new Blob([]), /found a Blob$/],
  [16_000n, /found 16000n$/],
];

let model: SpeechModel;

before(async () => {
  model = await loadModel(demoModelDir);
});

after(() => model.close());

async function drain(iterable: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of iterable);
}

async function* yielding<T>(...values: readonly T[]): AsyncGenerator<T> {
  yield* values;
}

const as = <T>(value: unknown) => value as T;

for (const [value, found] of NO_SAMPLES) {
  test(`no samples: ${found}`, async () => {
    const refused = oneLineError('audio', found);
    await assert.rejects(model.transcribe(as(value)).result, refused);
    await assert.rejects(drain(model.transcribe(as(value))), refused);
    await assert.rejects(model.melSpectrogram(as(value)), refused);
    await assert.rejects(drain(model.transcribeLong(as(value))), refused);
    await assert.rejects(drain(model.transcribeLong(yielding(as<Float32Array>(value)))), refused);
    const segment = { index: 0, startMs: 0, endMs: 1000, samples: as<Float32Array>(value) };
    await assert.rejects(drain(model.transcribeSegments(yielding(segment))), refused);
    await assert.rejects(
      model.encode(as(value)),
      oneLineError('audio', /^mel: expected data as a Float32Array/),
    );
  });
}

test('clips that were not awaited, and mels that are none', async () => {
  const promise = Promise.resolve(new Float32Array(16_000));
  await assert.rejects(model.transcribe(as(promise)).result, oneLineError('audio', /found a Promise$/));
  for (const [mel, found] of [
    [promise, 'a Promise'],
    [new Float32Array(128), 'a Float32Array'],
    [{ data: [1], bins: 128, frames: 1 }, 'an Array'],
  ] as const) {
    const refused = oneLineError(
      'audio',
      new RegExp(`^mel: expected data as a Float32Array, found ${found}$`),
    );
    await assert.rejects(model.encode(as(mel)), refused);
  }
});

test('samples that are not finite', async () => {
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
    const samples = new Float32Array(16_000).fill(value, 7);
    const refused = oneLineError('audio', /^audio: sample 7 is (NaN|Infinity), expected a finite value$/);
    await assert.rejects(model.transcribe(samples).result, refused);
    await assert.rejects(drain(model.transcribeLong(samples)), refused);
    await assert.rejects(drain(model.transcribeLong(samples, { vad: true })), refused);
    await assert.rejects(model.melSpectrogram(samples), refused);
  }
});

test('options that cannot be carried out name themselves', async () => {
  const second = new Float32Array(16_000);
  const refusals: readonly (readonly [options: unknown, message: RegExp])[] = [
    [null, /^options: expected an object, found null$/],
    [[], /^options: expected an object, found an Array$/],
    ['de', /^options: expected an object, found "de"$/],
    [{ signal: new AbortController() }, /^signal: expected an AbortSignal, found an AbortController$/],
    [{ onPhaseEnd: 5 }, /^onPhaseEnd: expected a function, found 5$/],
    [{ language: 5 }, /^language: expected text, found 5$/],
    [{ language: 'klingon' }, /^language: expected auto or one of English \(en\), .*; found "klingon"$/],
    [{ context: ['a'] }, /^context: expected text, found an Array$/],
    [{ maxTokens: '5' }, /^maxTokens: expected a whole number from 1 to 1048576, found "5"$/],
    [{ maxTokens: 1e12 }, /^maxTokens: expected .*, found 1000000000000$/],
    [{ exactTokens: 0 }, /^exactTokens: expected .*, found 0$/],
  ];
  for (const [options, message] of refusals) {
    await assert.rejects(model.transcribe(second, as(options)).result, oneLineError('usage', message));
    await assert.rejects(drain(model.transcribeLong(second, as(options))), oneLineError('usage', message));
  }
  for (const [options, message] of [
    [{ segmentMs: '5000' }, /^segmentMs: expected a number from 1000 to 1200000, or Infinity, found "5000"$/],
    [{ segmentMs: 999 }, /^segmentMs: .*, found 999$/],
    [{ segmentMs: 1e9 }, /^segmentMs: .*, found 1000000000$/],
    [{ segmentMs: Number.NaN }, /^segmentMs: .*, found NaN$/],
    [{ skipSilence: 'no' }, /^skipSilence: expected true or false, found "no"$/],
    [{ vad: 'yes' }, /^vad: expected true, false or an object, found "yes"$/],
    [{ vad: { threshold: 2 } }, /^vad\.threshold: expected a number over 0 and below 1, found 2$/],
    [{ onToken: {} }, /^onToken: expected a function, found an Object$/],
    [{ batch: '2' }, /^batch: expected a whole number from 1 to 1024, found "2"$/],
    [{ batch: 1e9 }, /^batch: .*, found 1000000000$/],
  ] as const) {
    await assert.rejects(drain(model.transcribeLong(second, as(options))), oneLineError('usage', message));
  }
});

test('segments that are none', async () => {
  const samples = new Float32Array(16_000);
  const refused = (value: unknown, code: 'usage' | 'audio', message: RegExp) =>
    assert.rejects(drain(model.transcribeSegments(as(value))), oneLineError(code, message));
  await refused(undefined, 'usage', /^segments: expected an async iterable, .*, found undefined$/);
  await refused([samples], 'usage', /^segments: .*, found an Array$/);
  await refused(yielding(5), 'audio', /found undefined$/);
  await refused(
    yielding({ samples }),
    'usage',
    /^segments: expected startMs and endMs .*, found undefined and undefined$/,
  );
});

test('models and files that are none', async () => {
  for (const source of ['', undefined, null, 5, [], new URL('file:///demo')]) {
    await assert.rejects(
      loadModel(as(source)),
      oneLineError('usage', /^model: expected a model directory or synthetic:SIZE/),
    );
  }
  await assert.rejects(loadModel(demoModelDir, as(null)), oneLineError('usage', /^options: /));
  await assert.rejects(
    loadModel(demoModelDir, as({ threads: '2' })),
    oneLineError('usage', /^threads: .*found "2"$/),
  );
  await assert.rejects(
    loadModel(demoModelDir, as({ isa: 5 })),
    oneLineError('unsupported', /^isa: .*found 5$/),
  );
  for (const load of [loadWav, loadAudio, openAudio]) {
    for (const path of ['', undefined, 5]) {
      await assert.rejects(
        load(as(path)),
        oneLineError('usage', /^path: expected the name of a file or its bytes, found (""|undefined|5)$/),
      );
    }
  }
  await assert.rejects(
    loadModel(demoModelDir, as({ onBackend: [] })),
    oneLineError('usage', /^onBackend: expected a function, found an Array$/),
  );
  await assert.rejects(openAudio('x.wav', as(null)), oneLineError('usage', /^options: .*found null$/));
});

test('caches beyond any memory: fewer segments side by side, instead of the end of the process', async () => {
  const { samples } = await loadWav(join(demoModelDir, 'samples', 'light-en.wav'));
  const texts: string[] = [];
  for await (const { text } of model.transcribeLong(samples, { batch: 1024, maxTokens: 2 ** 20 }))
    texts.push(text);
  assert.deepEqual(texts, ['Turn on the kitchen light.']);
});

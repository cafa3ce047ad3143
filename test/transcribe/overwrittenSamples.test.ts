import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { loadModel, loadWav, type SpeechModel, segmentRecording } from '../../src/index.js';
import { demoModelDir } from '../support/projectRoot.js';

/* A recorder fills one buffer again and again. */

const TEXT = 'Turn on the kitchen light.';
let model: SpeechModel;
let recording: Float32Array;

before(async () => {
  model = await loadModel(demoModelDir);
  recording = (await loadWav(join(demoModelDir, 'samples', 'light-en.wav'))).samples;
});

after(() => model.close());

/** The samples of a call in memory of their own, and what overwrites them. */
function overwritten<T>(call: (samples: Float32Array) => T): T {
  const samples = new Float32Array(recording);
  const result = call(samples);
  samples.fill(Number.NaN);
  return result;
}

async function textsOf(transcripts: AsyncIterable<{ readonly text: string }>): Promise<string> {
  const texts: string[] = [];
  for await (const { text } of transcripts) texts.push(text);
  return texts.join('|');
}

test('samples that are overwritten after the call', async () => {
  const first = model.transcribe(recording); // the others wait for it
  const one = overwritten((samples) => model.transcribe(samples));
  const mel = overwritten((samples) => model.melSpectrogram(samples));
  assert.equal((await one.result).text, TEXT);
  assert.deepEqual(await mel, await model.melSpectrogram(recording));
  assert.equal((await first.result).text, TEXT);
  assert.equal(await textsOf(overwritten((samples) => model.transcribeLong(samples))), TEXT);
  const segments = overwritten((samples) => segmentRecording(samples));
  assert.equal(await textsOf(model.transcribeSegments(segments)), TEXT);
});

test('a mel that is overwritten after the call', async () => {
  const mel = await model.melSpectrogram(recording);
  const expected = (await model.encode(mel)).data;
  const encoding = model.encode(mel);
  mel.data.fill(0);
  assert.deepEqual((await encoding).data, expected);
});

test('samples in shared memory', async () => {
  const shared = new Float32Array(new SharedArrayBuffer(4 * recording.length));
  shared.set(recording);
  const { result } = model.transcribe(shared);
  shared.fill(0);
  assert.equal((await result).text, TEXT);
});

test('blocks that a source yields in one buffer', async () => {
  async function* blocks(): AsyncGenerator<Float32Array> {
    const buffer = new Float32Array(1000);
    for (let at = 0; at < recording.length; at += buffer.length) {
      const piece = recording.subarray(at, at + buffer.length);
      buffer.set(piece);
      yield buffer.subarray(0, piece.length);
    }
    buffer.fill(Number.NaN);
  }
  for (const segmentMs of [undefined, Number.POSITIVE_INFINITY, 30_000]) {
    const options = segmentMs === undefined ? {} : { segmentMs };
    assert.equal(await textsOf(model.transcribeLong(blocks(), options)), TEXT);
  }
});

test('segments that a source yields in one object', async () => {
  async function* segments() {
    const segment = { index: 0, startMs: 0, endMs: recording.length / 16, samples: new Float32Array(0) };
    const buffer = new Float32Array(recording.length);
    for (; segment.index < 3; segment.index++) {
      buffer.set(recording);
      segment.samples = buffer;
      yield segment;
      buffer.fill(0);
    }
  }
  const indexes: number[] = [];
  for await (const { index, text } of model.transcribeSegments(segments(), { batch: 2 })) {
    assert.equal(text, TEXT);
    indexes.push(index);
  }
  assert.deepEqual(indexes, [0, 1, 2]);
});

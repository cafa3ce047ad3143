import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadModel, loadWav, QwenAsrError, type SpeechModel } from '../../src/index.js';
import { oneLineError } from '../model/support/oneLineError.js';
import { demoModelDir } from '../support/projectRoot.js';

async function samplesOf(wav: string): Promise<Float32Array> {
  return (await loadWav(join(demoModelDir, 'samples', wav))).samples;
}

async function withDemo(work: (model: SpeechModel) => Promise<void>): Promise<void> {
  const model = await loadModel(demoModelDir, { backend: 'reference' });
  try {
    await work(model);
  } finally {
    await model.close();
  }
}

const aborted = oneLineError('aborted');
const closed = oneLineError('closed');

test('a signal stops the run in every phase, and the model stays usable', () =>
  withDemo(async (model) => {
    const samples = await samplesOf('light-en.wav');
    for (const phase of ['mel', 'stem', 'enc_layer1', 'embeddings', 'dec_layer2', 'step_layer0']) {
      const abort = new AbortController();
      const seen: string[] = [];
      const observer = (stage: string) => {
        seen.push(stage);
        if (stage === phase) abort.abort();
      };
      const { result } = model.transcribe(samples, { signal: abort.signal, observer });
      await assert.rejects(result, aborted);
      assert.equal(seen.at(-1), phase);
    }
    assert.equal((await model.transcribe(samples).result).text, 'Turn on the kitchen light.');
  }));

test('a signal that has fired before the call computes nothing', () =>
  withDemo(async (model) => {
    const samples = await samplesOf('light-en.wav');
    const signal = AbortSignal.abort();
    const observer = () => assert.fail('a stage ran');
    await assert.rejects(model.transcribe(samples, { signal, observer }).result, aborted);
    await assert.rejects(model.melSpectrogram(samples, signal), aborted);
    await assert.rejects(loadModel(demoModelDir, { signal }), aborted);
    await assert.rejects(loadModel('synthetic:tiny', { signal }), aborted);
  }));

test('a timer fires during a run: the event loop is not blocked', () =>
  withDemo(async (model) => {
    const samples = await samplesOf('morning-en.wav');
    const { result } = model.transcribe(samples, { signal: AbortSignal.timeout(30) });
    await assert.rejects(result, aborted);
  }));

test('two transcriptions at once run one after the other, with their own results', () =>
  withDemo(async (model) => {
    const [light, music] = [await samplesOf('light-en.wav'), await samplesOf('music-es.wav')];
    const order: string[] = [];
    const watch = (name: string) => ({ observer: () => order.push(name) });
    const first = model.transcribe(light, watch('first'));
    const second = model.transcribe(music, watch('second'));
    assert.equal((await second.result).text, 'Pon música en la cocina.');
    assert.equal((await first.result).text, 'Turn on the kitchen light.');
    assert.deepEqual(order, order.toSorted());
    const { otherMs, totalMs } = (await second.result).timings;
    assert.ok(otherMs > 0.2 * totalMs, 'waiting counts as other');
  }));

test('a call that waits can be aborted at once, without letting a later one overtake', () =>
  withDemo(async (model) => {
    const samples = await samplesOf('light-en.wav');
    const ended: string[] = [];
    const note = (name: string) => () => ended.push(name);
    const abort = new AbortController();
    const first = model.transcribe(samples).result.then(note('first'));
    const second = assert
      .rejects(model.transcribe(samples, { signal: abort.signal }).result, aborted)
      .then(note('second'));
    const third = model.transcribe(samples).result.then(note('third'));
    abort.abort();
    await Promise.all([first, second, third]);
    assert.deepEqual(ended, ['second', 'first', 'third']);
  }));

test('close ends what runs and what waits, and is final', async () => {
  const model = await loadModel(demoModelDir, { backend: 'reference' });
  const samples = await samplesOf('light-en.wav');
  const running = model.transcribe(samples);
  const waiting = model.transcribe(samples);
  const mel = assert.rejects(model.melSpectrogram(samples), closed);
  for await (const { index } of running) if (index === 2) break;
  await Promise.all([model.close(), model.close()]);
  await assert.rejects(running.result, closed);
  await assert.rejects(waiting.result, closed);
  await mel;
  await assert.rejects(model.transcribe(samples).result, closed);
  await assert.rejects(model.encode({ data: new Float32Array(128), bins: 128, frames: 1 }), closed);
  await assert.rejects(async () => {
    for await (const _ of model.transcribe(samples)) assert.fail('a token');
  }, closed);
});

test('a failed run that nobody looks at ends nothing, one that is iterated throws after its tokens', () =>
  withDemo(async (model) => {
    const unhandled: unknown[] = [];
    const listener = (error: unknown) => unhandled.push(error);
    process.on('unhandledRejection', listener);
    model.transcribe(new Float32Array(0));
    const abort = new AbortController();
    const seen: number[] = [];
    const transcription = model.transcribe(await samplesOf('light-en.wav'), { signal: abort.signal });
    await assert.rejects(
      async () => {
        for await (const { index } of transcription) {
          seen.push(index);
          if (index === 3) abort.abort();
        }
      },
      (error) => error instanceof QwenAsrError && error.code === 'aborted',
    );
    await new Promise((resolve) => setTimeout(resolve, 20));
    process.off('unhandledRejection', listener);
    assert.deepEqual(unhandled, []);
    assert.deepEqual(seen.slice(0, 4), [0, 1, 2, 3]);
    await assert.rejects(transcription.result, aborted);
  }));

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  type Aligner,
  loadAligner,
  loadModel,
  loadWav,
  type SpeechModel,
  segmentRecording,
  type TranscriptSegment,
} from '../../../src/index.js';
import { oneLineError } from '../../model/support/oneLineError.js';
import { demoAlignerDir, demoModelDir, goldenDir } from '../../support/projectRoot.js';

interface GoldenWord {
  readonly word: string;
  readonly startMs: number;
  readonly endMs: number;
}

let model: SpeechModel;
let aligner: Aligner;
before(async () => {
  model = await loadModel(demoModelDir, { precision: 'f32' });
  aligner = await loadAligner(demoAlignerDir, { precision: 'f32' });
});
after(async () => {
  await aligner.close();
  await model.close();
});

function goldenWords(name: string): GoldenWord[] {
  return JSON.parse(readFileSync(join(goldenDir, 'aligner', `${name}.json`), 'utf8')).words;
}

const sample = async (name: string) => (await loadWav(join(demoModelDir, 'samples', `${name}.wav`))).samples;

test('the words of a transcript have the times of the independent implementation', async () => {
  for (const name of ['timer-en', 'weather-de', 'music-es', 'lamp-zh', 'morning-en']) {
    const options = { timestamps: 'word', aligner } as const;
    const { text, words, wordNotes } = await model.transcribe(await sample(name), options).result;
    const published = words!.map(({ text: word, aligned, startMs, endMs }) => ({
      word,
      ...(aligned ?? { startMs, endMs }),
    }));
    assert.deepEqual(published, goldenWords(name), name);
    assert.equal(wordNotes, undefined);
    // A transcript's own punctuation stands around them.
    for (const { text: word, textStart, textEnd } of words!)
      assert.equal(text.slice(textStart, textEnd), word);
  }
});

/** Clips with silence before, between and after them; each clip's place in ms. */
async function withSilences(clips: readonly (readonly [silenceMs: number, name: string])[]) {
  const parts: Float32Array[] = [];
  const places: number[] = [];
  let samples = 0;
  for (const [silenceMs, name] of clips) {
    const clip = await sample(name);
    parts.push(new Float32Array(16 * silenceMs), clip);
    places.push(samples / 16 + silenceMs);
    samples += 16 * silenceMs + clip.length;
  }
  parts.push(new Float32Array(16 * 3000));
  const recording = new Float32Array(samples + 16 * 3000);
  let at = 0;
  for (const part of parts) {
    recording.set(part, at);
    at += part.length;
  }
  return { recording, places };
}

async function collect(segments: AsyncIterable<TranscriptSegment>): Promise<TranscriptSegment[]> {
  const all: TranscriptSegment[] = [];
  for await (const segment of segments) all.push(segment);
  return all;
}

test('times are those of the recording, whatever silence is left out of it', async () => {
  const names = ['timer-en', 'light-en', 'timer-en-noisy'];
  const { recording, places } = await withSilences([
    [6000, names[0]!],
    [15_000, names[1]!],
    [31_000, names[2]!],
  ]);
  for (const how of [{}, { skipSilence: true }, { vad: true }, { segmentMs: 20_000 }]) {
    const options = { ...how, timestamps: 'word', aligner } as const;
    const segments = await collect(model.transcribeLong(recording, options));
    const words = segments.flatMap((segment) => segment.words ?? []);
    const ends = words.map(({ endMs }) => endMs);
    assert.ok(words.every(({ startMs, endMs }, i) => startMs <= endMs && startMs >= (ends[i - 1] ?? 0)));
    const label = JSON.stringify({ how, words });
    for (const { words: own = [], startMs, endMs } of segments) {
      assert.ok(own.every((word) => word.startMs >= Math.floor(startMs) && word.endMs <= Math.ceil(endMs)));
    }
    for (const [i, name] of names.entries()) {
      const clipMs = (await sample(name)).length / 16;
      const inClip = words.filter(({ startMs, endMs }) => {
        const middleMs = (startMs + endMs) / 2 - places[i]!;
        return middleMs >= 0 && middleMs <= clipMs;
      });
      const spoken =
        name === 'light-en'
          ? ['Turn', 'on', 'the', 'kitchen', 'light']
          : goldenWords(name).map(({ word }) => word);
      assert.deepEqual(
        inClip.map(({ text }) => text),
        spoken,
        label,
      );
      if (name === 'light-en') continue;
      for (const [k, { startMs, endMs }] of goldenWords(name).entries()) {
        // The same sounds in another place: a class or two of difference.
        assert.ok(Math.abs(inClip[k]!.startMs - places[i]! - startMs) <= 200, label);
        assert.ok(Math.abs(inClip[k]!.endMs - places[i]! - endMs) <= 400, label);
      }
    }
  }
});

test('segments that requests share a batch for have words too', async () => {
  const batch = model.openBatch({ sequences: 2 });
  try {
    const segments = segmentRecording(await sample('timer-en'));
    const [segment] = await collect(batch.transcribeSegments(segments, { timestamps: 'word', aligner }));
    assert.deepEqual(
      segment!.words!.map(({ text, startMs, endMs }) => ({ word: text, startMs, endMs })),
      goldenWords('timer-en'),
    );
  } finally {
    await batch.close();
  }
});

test('silence has no words, and a language that the aligner does not know a note', async () => {
  const options = { timestamps: 'word', aligner } as const;
  const silence = await model.transcribe(await sample('silence-3s'), options).result;
  assert.deepEqual([silence.text, silence.words], ['', []]);
  const other: Aligner = {
    ...aligner,
    align: aligner.align.bind(aligner),
    info: { ...aligner.info, languages: ['German'] },
  };
  const { words, wordNotes } = await model.transcribe(await sample('timer-en'), {
    ...options,
    aligner: other,
  }).result;
  assert.equal(words, undefined);
  assert.deepEqual(wordNotes, ['words have no times: the aligner does not know English']);
  const german = await model.transcribe(await sample('weather-de'), { ...options, aligner: other }).result;
  assert.equal(german.words!.length, 7);
});

test('a text of punctuation alone has no words', async () => {
  assert.deepEqual(await aligner.align(await sample('timer-en'), '… — !'), { words: [], notes: [] });
});

test('what cannot be carried out is refused', async () => {
  const samples = await sample('timer-en');
  const refused = (options: object, pattern: RegExp) =>
    assert.rejects(model.transcribe(samples, options).result, oneLineError('usage', pattern));
  await refused({ timestamps: 'word' }, /expected what loadAligner gives, found undefined/);
  await refused({ timestamps: 'letter' }, /expected segment or word, found "letter"/);
  await assert.rejects(collect(model.transcribeLong(samples, { timestamps: 'word' })), oneLineError('usage'));
  await assert.rejects(aligner.align(samples, 'a', { language: 'Thai' }), oneLineError('usage', /"Thai"/));
  await assert.rejects(aligner.align(samples, 5 as never), oneLineError('usage', /expected text, found 5/));
  await assert.rejects(aligner.align(new Float32Array(), 'a'), oneLineError('audio'));
  await assert.rejects(loadAligner(demoModelDir), oneLineError('model', /expected a forced aligner/));
  await assert.rejects(loadModel(demoAlignerDir), oneLineError('model', /expected a model that writes text/));
  const aborted = AbortSignal.abort();
  await assert.rejects(aligner.align(samples, 'a', { signal: aborted }), oneLineError('aborted'));
});

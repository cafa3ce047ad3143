import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import {
  type BatchRequestOptions,
  joinTexts,
  loadModel,
  loadWav,
  QwenAsrError,
  type SegmentToken,
  type SpeechModel,
  segmentRecording,
  type TranscriptionBatch,
  type TranscriptSegment,
} from '../../../src/index.js';
import { createReferenceBackend } from '../../../src/ops/reference/referenceBackend.js';
import { modelOnBackend } from '../../bench/support/modelOnBackend.js';
import { withCacheLimit } from '../../bench/support/withCacheLimit.js';
import { wrapBackend } from '../../bench/support/wrapBackend.js';
import { oneLineError } from '../../model/support/oneLineError.js';
import { readGolden } from '../../support/golden.js';
import { processorMs } from '../../support/processorMs.js';
import { demoModelDir } from '../../support/projectRoot.js';
import { Random } from '../../support/random.js';
import { speakSentences } from '../../support/sentences.js';

const CLIPS = ['timer-en', 'light-en', 'weather-de', 'music-es', 'morning-en'];

let model: SpeechModel;
const clips = new Map<string, Float32Array>();

before(async () => {
  model = await loadModel(demoModelDir, { precision: 'f32' });
  for (const name of CLIPS) {
    clips.set(name, (await loadWav(join(demoModelDir, 'samples', `${name}.wav`))).samples);
  }
});

after(() => model.close());

async function transcribe(
  batch: TranscriptionBatch,
  samples: Float32Array,
  options: BatchRequestOptions & { segmentMs?: number } = {},
): Promise<TranscriptSegment[]> {
  const segments: TranscriptSegment[] = [];
  const source = segmentRecording(samples, options);
  for await (const segment of batch.transcribeSegments(source, options)) segments.push(segment);
  return segments;
}

const idsOf = (segments: readonly TranscriptSegment[]) => segments.map(({ tokenIds }) => tokenIds);
const textOf = (segments: readonly TranscriptSegment[]) => joinTexts(segments.map(({ text }) => text));

test('forty requests that come and go have the tokens that each has alone', async () => {
  const rows: number[] = [];
  const batch = model.openBatch({ sequences: 6, onDecodeStep: (_, count) => rows.push(count) });
  const random = new Random(3);
  const requests = Array.from({ length: 40 }, async (_, i) => {
    await setTimeout(random.integer(0, 400));
    const name = CLIPS[i % CLIPS.length]!;
    const [segment, ...more] = await transcribe(batch, clips.get(name)!);
    assert.equal(more.length, 0);
    assert.deepEqual(segment!.tokenIds, readGolden(`demo/${name}`).tokens, name);
    assert.equal(segment!.text, readGolden(`demo/${name}`).text);
  });
  await Promise.all(requests);
  // As encoding takes most of the demo model's time, not all places decode at once.
  assert.ok(Math.max(...rows) >= 3, `at most ${Math.max(...rows)} rows`);
  assert.deepEqual(
    { ...batch.load, capacity: 0 },
    { sequences: 6, capacity: 0, decoding: 0, joining: 0, requests: 0 },
  );
  const busyMs = processorMs();
  await setTimeout(300);
  assert.ok(processorMs() - busyMs < 100, 'it computes without work');
  await batch.close();
});

test('encoding and prefill in pieces change no token, wherever the audio ends', async () => {
  const batch = model.openBatch({ sequences: 2 });
  const { samples } = await speakSentences([0, 1, 2, 3, 0, 2]);
  // Windows end every 8 s: just before, at and just after one, and within the first chunk behind it.
  for (const seconds of [7.99, 8, 8.005, 8.3, 8.99, 9, 15.9, 16.5, 17.2, 0.2, 0.7]) {
    const clip = samples.subarray(0, Math.round(seconds * 16_000));
    const options = { context: 'kitchen', maxTokens: 60 };
    const alone = await model.transcribe(clip, options).result;
    const [segment] = await transcribe(batch, clip, options);
    assert.deepEqual(segment!.tokenIds, alone.tokenIds, `${seconds} s`);
    assert.equal(segment!.promptTokenCount, alone.promptTokenCount);
    assert.equal(segment!.audioTokenCount, alone.audioTokenCount);
  }
  await batch.close();
});

test('long recordings share the batch with short ones, and each has its own text and tokens', async () => {
  const batch = model.openBatch({ sequences: 4 });
  const order = [0, 1, 2, 3, 3, 2, 1, 0, 2, 1, 0, 3];
  const { samples, texts } = await speakSentences(order);
  const alone: TranscriptSegment[] = [];
  for await (const segment of model.transcribeLong(samples, { segmentMs: 4000 })) alone.push(segment);
  const tokens: SegmentToken[] = [];
  const [long, other, ...short] = await Promise.all([
    transcribe(batch, samples, { segmentMs: 4000, onToken: (token) => tokens.push(token) }),
    transcribe(batch, samples, { segmentMs: 4000, language: 'en' }),
    ...CLIPS.map((name) => transcribe(batch, clips.get(name)!)),
  ]);
  assert.equal(textOf(long!), texts.join(' '));
  assert.deepEqual(idsOf(long!), idsOf(alone));
  assert.ok(other!.every(({ language }) => language === 'English'));
  assert.deepEqual(
    short.map((segments) => textOf(segments!)),
    CLIPS.map((name) => readGolden(`demo/${name}`).text),
  );
  for (const { index, tokenIds, logProbabilities } of long!) {
    const own = tokens.filter(({ segment }) => segment === index);
    assert.deepEqual(
      own.map((token) => [token.index, token.id, token.logProbability]),
      tokenIds.map((id, i) => [i, id, logProbabilities[i]]),
    );
  }
  await batch.close();
});

test('a short request beside a long one begins at once', async () => {
  const batch = model.openBatch({ sequences: 3 });
  const { samples } = await speakSentences(Array.from({ length: 24 }, (_, i) => i % 4));
  let finished = 0;
  const long = (async () => {
    const source = segmentRecording(samples, { segmentMs: 4000 });
    for await (const _ of batch.transcribeSegments(source)) finished++;
  })();
  while (finished < 4) await setTimeout(1);
  assert.ok(batch.load.decoding + batch.load.joining <= 2, 'the long one leaves a place free');
  const before = finished;
  let atFirst = Number.POSITIVE_INFINITY;
  const onToken = () => {
    atFirst = Math.min(atFirst, finished);
  };
  await transcribe(batch, clips.get('light-en')!, { onToken });
  // Its window and its prompt take a few turns, in which no more than the two segments beside it can end.
  assert.ok(atFirst - before <= 2, `${atFirst - before} segments of the long one came first`);
  await long;
  assert.equal(finished, 24);
  await batch.close();
});

test('those that are in get a step after each piece of those that join, after two for a first text', async () => {
  const passes: string[] = [];
  const watched = wrapBackend(createReferenceBackend(), {
    beforeRun: async (label) => {
      passes.push(label);
    },
  });
  const own = await modelOnBackend(demoModelDir, watched);
  const batch = own.openBatch({ sequences: 4 });
  const spoken = await speakSentences([0, 1, 2, 3, 0]);
  const samples = spoken.samples.subarray(0, 9.5 * 16_000);
  // Two segments of two windows each, whose prompts are one piece.
  const twice = async function* () {
    for (let index = 0; index < 2; index++) yield { index, samples, startMs: 0, endMs: 9500 };
  };
  const join = async (): Promise<void> => {
    for await (const { tokenIds } of batch.transcribeSegments(twice(), { exactTokens: 12 }))
      assert.equal(tokenIds.length, 12);
  };
  let joined: Promise<unknown> | undefined;
  const onToken = () => {
    joined ??= join();
  };
  await transcribe(batch, clips.get('timer-en')!, { onToken, exactTokens: 12 });
  await joined;
  const turns = passes.join(',').split('decode step').slice(1);
  const pieces = turns.map((turn) => turn.match(/encoder layers|prefill/g)?.length ?? 0);
  const joining = pieces.filter((count) => count > 0);
  // The first segment: two windows, then its prompt by itself (nothing is left of it); the second one by one.
  assert.deepEqual(joining, [2, 1, 1, 1, 1], passes.join(' '));
  await batch.close();
  await own.close();
});

test('a short request that decodes gets as much time as the pieces of a long one beside it', async () => {
  const pieceMs = 60;
  let isCounting = false;
  let pieces = 0;
  let stepsMs = 0;
  const slow = wrapBackend(createReferenceBackend(), {
    beforeRun: async (label) => {
      if (!/^(encoder layers|prefill)/.test(label)) return;
      if (isCounting) pieces++;
      await setTimeout(pieceMs);
    },
  });
  const own = await modelOnBackend(demoModelDir, slow);
  const onDecodeStep = (passMs: number) => {
    if (isCounting) stepsMs += passMs;
  };
  const batch = own.openBatch({ sequences: 4, onDecodeStep });
  const samples = clips.get('morning-en')!;
  const endless = async function* () {
    for (let index = 0; ; index++) yield { index, samples, startMs: 0, endMs: samples.length / 16 };
  };
  const ended = new AbortController();
  const short = clips.get('light-en')!;
  let begun: Promise<unknown> | undefined;
  const begin = () => {
    const exactTokens = 80;
    const onToken = ({ index }: SegmentToken) => {
      isCounting = index < exactTokens - 1;
      if (!isCounting) ended.abort();
    };
    begun ??= transcribe(batch, short, { onToken, exactTokens });
  };
  const long = async (): Promise<void> => {
    const options = { exactTokens: 4, onToken: begin, signal: ended.signal };
    for await (const _ of batch.transcribeSegments(endless(), options));
  };
  await assert.rejects(long(), { code: 'aborted' });
  await begun;
  // One piece may be under way when it begins to decode; each further one has been waited for.
  assert.ok(pieces <= 1 + Math.ceil(stepsMs / pieceMs), `${pieces} pieces beside ${stepsMs} ms of steps`);
  assert.ok(pieces >= 1, 'the long one stands still');
  await batch.close();
  await own.close();
});

test('what goes wrong with a request ends that request alone', async () => {
  const batch = model.openBatch({ sequences: 3 });
  const good = async () => {
    for (let i = 0; i < 6; i++) {
      const name = CLIPS[i % 4]!;
      assert.equal(textOf(await transcribe(batch, clips.get(name)!)), readGolden(`demo/${name}`).text);
    }
  };
  const bad = clips.get('light-en')!.slice();
  bad[5000] = Number.NaN;
  const failing = async function* () {
    yield* segmentRecording(clips.get('light-en')!);
    throw new QwenAsrError('file', 'light.wav: gone');
  };
  const abort = new AbortController();
  const stopped = transcribe(batch, clips.get('morning-en')!, {
    signal: abort.signal,
    onToken: ({ index }) => {
      if (index === 3) abort.abort();
    },
  });
  const listening = transcribe(batch, clips.get('timer-en')!, {
    onToken: () => {
      throw new QwenAsrError('internal', 'a listener: broken');
    },
  });
  const long = new Float32Array(61 * 16_000);
  await Promise.all([
    good(),
    good(),
    assert.rejects(transcribe(batch, bad), oneLineError('audio')),
    assert.rejects(async () => {
      for await (const { text } of batch.transcribeSegments(failing())) assert.ok(text);
    }, oneLineError('file')),
    assert.rejects(stopped, oneLineError('aborted')),
    assert.rejects(listening, oneLineError('internal')),
    assert.rejects(transcribe(batch, bad, { language: 'Klingon' }), oneLineError('usage')),
    assert.rejects(
      transcribe(batch, clips.get('timer-en')!, { context: 'kitchen '.repeat(3000) }),
      oneLineError('usage', /^context: expected at most \d+ tokens beside so much audio, found \d+$/),
    ),
    assert.rejects(
      transcribe(batch, new Float32Array(240 * 16_000), { segmentMs: Number.POSITIVE_INFINITY }),
      oneLineError('usage', /expected at most \d+ positions/),
    ),
    assert.rejects(transcribe(batch, long, { signal: AbortSignal.abort() }), oneLineError('aborted')),
  ]);
  // Whoever leaves its loop is gone too.
  for await (const _ of batch.transcribeSegments(segmentRecording(long, { segmentMs: 2000 }))) break;
  await good();
  assert.equal(batch.load.requests, 0);
  await batch.close();
});

test('it is as large as memory allows, and gives it back', async () => {
  const backend = createReferenceBackend();
  const own = await modelOnBackend(demoModelDir, withCacheLimit(backend, 2));
  const batch = own.openBatch({ sequences: 9 });
  assert.equal(batch.load.sequences, 2);
  const held = backend.activationBytes;
  assert.ok(held > 0);
  assert.ok((await transcribe(batch, clips.get('light-en')!)).length === 1);
  await batch.close();
  assert.equal(backend.activationBytes, 0);
  const none = await modelOnBackend(demoModelDir, withCacheLimit(backend, 0));
  assert.throws(() => none.openBatch(), oneLineError('memory'));
  assert.equal(backend.activationBytes, 0);
  await own.close();
});

test('close ends what is in it; options are checked', async () => {
  const own = await loadModel(demoModelDir);
  const batch = own.openBatch({ sequences: 2 });
  const { samples } = await speakSentences([0, 1, 2, 3]);
  const onToken = () => void batch.close();
  await assert.rejects(transcribe(batch, samples, { segmentMs: 4000, onToken }), oneLineError('closed'));
  await assert.rejects(transcribe(batch, samples), oneLineError('closed'));
  const second = own.openBatch({ sequences: 2 });
  const running = transcribe(second, samples, { segmentMs: 4000, onToken: () => void own.close() });
  await assert.rejects(running, oneLineError('closed'));
  await second.close();
  assert.throws(() => own.openBatch(), oneLineError('closed'));
  assert.throws(() => model.openBatch({ sequences: 0 }), oneLineError('usage', /^sequences: expected/));
  assert.throws(() => model.openBatch({ maxSegmentMs: 1 }), oneLineError('usage', /^maxSegmentMs: /));
});

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  loadModel,
  loadWav,
  type SpeechModel,
  type TokenEvent,
  type TranscribeOptions,
} from '../../src/index.js';
import { oneLineError } from '../model/support/oneLineError.js';
import { goldenWav, readGolden, readGoldenStage, relativeRms } from '../support/golden.js';
import { demoModelDir } from '../support/projectRoot.js';

/** Stages agree with the independent implementation to this relative RMS. */
const STAGE_BOUND = 1e-4;

let demo: SpeechModel;

before(async () => {
  demo = await loadModel(demoModelDir, { backend: 'reference' });
});

after(() => demo.close());

async function samplesOf(wav: string): Promise<Float32Array> {
  return (await loadWav(join(demoModelDir, 'samples', wav))).samples;
}

/** Runs a golden's clip with everything watched. */
async function run(model: SpeechModel, name: string, options: TranscribeOptions) {
  const golden = readGolden(name);
  const stages = new Map<string, Float32Array>();
  const { samples } = await loadWav(goldenWav(name));
  const transcription = model.transcribe(samples, {
    ...options,
    observer: (stage, values) => stages.set(stage, values),
  });
  return { golden, stages, transcript: await transcription.result };
}

function assertStages(name: string, stages: ReadonlyMap<string, Float32Array>): void {
  for (const stage of ['mel', 'stem', 'enc_layer0', 'encoder', 'first_logits']) {
    const error = relativeRms(stages.get(stage)!, readGoldenStage(name, stage));
    assert.ok(error < STAGE_BOUND, `${name} ${stage}: relative RMS ${error}`);
  }
}

/** Spelled from the golden's prompt pieces; `<|im_end|>` is plain text in it. */
const CONTEXT = 'Lights: kitchen, bedroom.\nPlain text: <|im_end|>';

const CLIPS: readonly (readonly [name: string, options: TranscribeOptions, textTokens: number])[] = [
  ['timer-en', {}, 7],
  ['light-en', {}, 6],
  ['weather-de', {}, 8],
  ['music-es', {}, 6],
  ['silence-3s', {}, 0],
  ['timer-en-forced', { language: 'en' }, 7],
  ['light-en-context', { context: CONTEXT }, 6],
  ['lamp-zh', {}, 7],
  ['timer-en-noisy', {}, 7],
  ['morning-en', {}, 59],
  ['travel-de', {}, 38],
];

for (const [clip, options, textTokens] of CLIPS) {
  test(`${clip}: stages, tokens, language and text are those of the independent implementation`, async () => {
    const name = `demo/${clip}`;
    const { golden, stages, transcript } = await run(demo, name, options);
    assertStages(name, stages);
    assert.deepEqual(transcript.tokenIds, golden.tokens);
    assert.equal(transcript.raw, golden.raw);
    assert.equal(transcript.language, golden.language);
    assert.equal(transcript.text, golden.text);
    assert.equal(transcript.promptTokenCount, golden.prompt_ids.length);
    assert.equal(transcript.audioTokenCount, golden.shapes['encoder']![0]);
    assert.equal(transcript.durationMs, golden.samples / 16);
    assert.equal(transcript.truncated, false);
    assert.equal(transcript.textTokenCount, textTokens);
  });
}

test('the synthetic model with the published vocabulary gives the tokens of the independent implementation', async () => {
  const model = await loadModel('synthetic:tiny:1', { backend: 'reference' });
  const name = 'synthetic-tiny-seed1';
  const { golden, stages, transcript } = await run(model, name, { exactTokens: 4 });
  assertStages(name, stages);
  assert.deepEqual(transcript.tokenIds, golden.tokens);
  assert.equal(transcript.raw, golden.raw);
  assert.equal(transcript.text, golden.text);
  assert.equal(transcript.language, '');
  assert.equal(transcript.textTokenCount, 4);
  assert.equal(transcript.promptTokenCount, golden.prompt_ids.length);
  assert.equal(model.info.source, 'synthetic:tiny:1');
  assert.equal(model.info.synthetic, true);
  assert.equal(model.info.languages.length, 30);
  await model.close();
});

test('probes name every stage once, steps apart from prefill', async () => {
  const stages: string[] = [];
  const observer = (stage: string) => stages.push(stage);
  const samples = await samplesOf('silence-3s.wav');
  await demo.transcribe(samples, { observer }).result;
  const layers = (prefix: string) => [0, 1, 2, 3].map((index) => `${prefix}${index}`);
  const step = ['step_embeddings', ...layers('step_layer'), 'step_best_logits'];
  assert.deepEqual(stages, [
    'mel',
    'stem',
    ...layers('enc_layer'),
    'encoder',
    'embeddings',
    ...layers('dec_layer'),
    'first_logits',
    ...step,
    ...step,
    ...step,
  ]);
});

test('token events spell the transcript, for early and for late listeners', async () => {
  const transcription = demo.transcribe(await samplesOf('music-es.wav'));
  const early: TokenEvent[] = [];
  for await (const event of transcription) early.push(event);
  const { raw, text, tokenIds, timings } = await transcription.result;
  assert.deepEqual(
    early.map(({ id, index }) => [id, index]),
    tokenIds.map((id, index) => [id, index]),
  );
  assert.equal(early.map(({ rawPiece }) => rawPiece).join(''), raw);
  assert.equal(early.map(({ textPiece }) => textPiece).join(''), text);
  assert.ok(early.every(({ logProbability }) => logProbability <= 0 && logProbability > -1));
  const times = early.map(({ atMs }) => atMs);
  assert.deepEqual(
    times,
    times.toSorted((a, b) => a - b),
  );
  assert.ok(times[0]! >= timings.firstTokenMs! && times.at(-1)! <= timings.totalMs);
  const late: TokenEvent[] = [];
  for await (const event of transcription) late.push(event);
  assert.deepEqual(late, early);
});

test('events arrive while the run goes on, and leaving early does not stop it', async () => {
  const transcription = demo.transcribe(await samplesOf('music-es.wav'));
  let ended = false;
  const result = transcription.result.finally(() => {
    ended = true;
  });
  for await (const { index } of transcription) {
    assert.equal(ended, false);
    if (index === 1) break;
  }
  assert.equal((await result).text, 'Pon música en la cocina.');
});

test('the parts of the timings sum to the total', async () => {
  const { timings, tokenIds } = await demo.transcribe(await samplesOf('light-en.wav')).result;
  const { melMs, convStemMs, encoderLayersMs, prefillMs, decodeMs, detokenizeMs, otherMs } = timings;
  const parts = [melMs, convStemMs, encoderLayersMs, prefillMs, decodeMs, detokenizeMs, otherMs];
  assert.ok(parts.every((ms) => ms >= 0));
  assert.ok(
    [melMs, convStemMs, encoderLayersMs, prefillMs, decodeMs].every((ms) => ms > 0),
    'phases that compute',
  );
  assert.ok(Math.abs(parts.reduce((sum, ms) => sum + ms, 0) - timings.totalMs) < 1e-6);
  assert.equal(timings.decodeStepsMs.length, tokenIds.length - 1);
  assert.ok(Math.abs(timings.decodeStepsMs.reduce((sum, ms) => sum + ms, 0) - decodeMs) < 1e-6);
  const untilFirst = melMs + convStemMs + encoderLayersMs + prefillMs;
  assert.ok(timings.firstTokenMs! >= untilFirst && timings.firstTokenMs! <= timings.totalMs - decodeMs);
});

test('budgets: maxTokens truncates and says so, exactTokens goes past the end token', async () => {
  const samples = await samplesOf('silence-3s.wav');
  const { tokens } = readGolden('demo/silence-3s');
  const short = await demo.transcribe(samples, { maxTokens: tokens.length - 1 }).result;
  assert.deepEqual(short.tokenIds, tokens.slice(0, -1));
  assert.equal(short.truncated, true);
  const enough = await demo.transcribe(samples, { maxTokens: tokens.length }).result;
  assert.deepEqual(enough.tokenIds, tokens);
  assert.equal(enough.truncated, false);
  const exact = await demo.transcribe(samples, { exactTokens: 9, maxTokens: 2 }).result;
  assert.deepEqual(exact.tokenIds.slice(0, tokens.length), tokens);
  assert.equal(exact.tokenIds.length, 9);
  assert.equal(exact.textTokenCount, 9);
  assert.equal(exact.timings.decodeStepsMs.length, 8);
  assert.equal(exact.truncated, false);
  const one = await demo.transcribe(samples, { exactTokens: 1 }).result;
  assert.deepEqual(one.tokenIds, tokens.slice(0, 1));
  assert.deepEqual(one.timings.decodeStepsMs, []);
});

test('forced languages go by name or code in any case; unknown ones are listed', async () => {
  const samples = await samplesOf('timer-en.wav');
  const { tokens } = readGolden('demo/timer-en-forced');
  for (const language of ['English', 'EN']) {
    const transcript = await demo.transcribe(samples, { language }).result;
    assert.deepEqual(transcript.tokenIds, tokens);
    assert.equal(transcript.language, 'English');
  }
  await assert.rejects(
    demo.transcribe(samples, { language: 'French' }).result,
    oneLineError('usage', /English.*German.*Spanish.*French/),
  );
});

test('calls that cannot be carried out are refused', async () => {
  const samples = await samplesOf('light-en.wav');
  for (const options of [{ maxTokens: 0 }, { exactTokens: -1 }, { maxTokens: 1.5 }, { exactTokens: NaN }]) {
    await assert.rejects(
      demo.transcribe(samples, options).result,
      oneLineError('usage', /^(max|exact)Tokens: expected a whole number from 1 /),
    );
  }
  await assert.rejects(demo.transcribe(new Float32Array(0)).result, oneLineError('audio', /found none/));
  const broken = samples.slice();
  broken[77] = NaN;
  await assert.rejects(demo.transcribe(broken).result, oneLineError('audio', /sample 77 is NaN/));
  await assert.rejects(demo.melSpectrogram(broken), oneLineError('audio'));
});

test('a clip under 0.5 s is padded, its duration is its own', async () => {
  const { durationMs, audioTokenCount } = await demo.transcribe(new Float32Array(160)).result;
  assert.equal(durationMs, 10);
  assert.equal(audioTokenCount, 7);
});

test('melSpectrogram and encode are the stages of transcribe', async () => {
  const name = 'demo/weather-de';
  const mel = await demo.melSpectrogram(await samplesOf('weather-de.wav'));
  assert.deepEqual([mel.bins, mel.frames], readGolden(name).shapes['mel']);
  assert.ok(relativeRms(mel.data, readGoldenStage(name, 'mel')) < STAGE_BOUND);
  const stages: string[] = [];
  const encoding = await demo.encode(mel, { observer: (stage) => stages.push(stage) });
  assert.deepEqual([encoding.tokens, encoding.hidden], readGolden(name).shapes['encoder']);
  assert.ok(relativeRms(encoding.data, readGoldenStage(name, 'encoder')) < STAGE_BOUND);
  assert.equal(stages.at(-1), 'encoder');
  assert.ok(encoding.timings.convStemMs > 0 && encoding.timings.encoderLayersMs > 0);
  const wrong = { data: new Float32Array(127), bins: 128, frames: 1 } as const;
  await assert.rejects(demo.encode(wrong), oneLineError('audio', /expected 128 mel values, found 127/));
  const none = { data: new Float32Array(0), bins: 128, frames: 0 } as const;
  await assert.rejects(demo.encode(none), oneLineError('audio', /found \[128, 0\]/));
});

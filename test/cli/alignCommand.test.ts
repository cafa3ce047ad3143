import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { demoAlignerDir, demoModelDir, goldenDir, projectRoot } from '../support/projectRoot.js';
import { runHere } from '../support/runHere.js';

const scratch = mkdtempSync(join(tmpdir(), 'qwen-asr-align-'));
after(() => rmSync(scratch, { recursive: true }));

const golden = (name: string, extension: string) => join(goldenDir, 'aligner', `${name}.${extension}`);
const sample = (name: string) => join(demoModelDir, 'samples', `${name}.wav`);
const WORDS: { word: string; startMs: number; endMs: number }[] = JSON.parse(
  readFileSync(golden('timer-en', 'json'), 'utf8'),
).words;

const align = (...args: string[]) =>
  runHere('qwen_asr', ['align', '-d', demoAlignerDir, '--precision', 'f32', ...args]);
const timer = ['-i', sample('timer-en'), '--text', golden('timer-en', 'txt')];

test('align writes a line for each word, a document or subtitles', async () => {
  const lines = WORDS.map(
    ({ word, startMs, endMs }) => `${(startMs / 1000).toFixed(3)}\t${(endMs / 1000).toFixed(3)}\t${word}\n`,
  );
  assert.deepEqual(await align(...timer), { code: 0, stdout: lines.join(''), stderr: '' });
  const { stdout } = await align(...timer, '-o', 'json', '--language', 'en');
  const { schema, version, text, words, notes, aligner, language } = JSON.parse(stdout);
  assert.deepEqual([schema, version, language, notes], ['qwen-asr-alignment', 1, 'en', []]);
  assert.equal(text, 'Set a timer for seven minutes.');
  assert.equal(aligner.classMs, 80);
  assert.deepEqual(
    words.map((word: { text: string; startMs: number; endMs: number }) => [
      word.text,
      word.startMs,
      word.endMs,
    ]),
    WORDS.map(({ word, startMs, endMs }) => [word, startMs, endMs]),
  );
  const subtitles = await align(...timer, '-o', 'srt');
  assert.match(
    subtitles.stdout,
    /^1\n00:00:00,\d{3} --> 00:00:0\d,\d{3}\nSet a timer for seven minutes\.\n\n$/,
  );
});

test('transcripts list their words', async () => {
  const args = [
    '-d',
    demoModelDir,
    '-i',
    sample('timer-en'),
    '--aligner',
    demoAlignerDir,
    '--timestamps',
    'word',
  ];
  const { code, stdout, stderr } = await runHere('qwen_asr', [...args, '--json', '--precision', 'f32']);
  assert.deepEqual([code, stderr], [0, '']);
  const document: { segments: { words: { text: string }[] }[] } = JSON.parse(stdout);
  const ajv = new Ajv2020({ strict: false });
  const schema = JSON.parse(readFileSync(join(projectRoot, 'schemas', 'transcript-v1.schema.json'), 'utf8'));
  const validate = ajv.compile(schema);
  assert.ok(validate(document), JSON.stringify(validate.errors));
  assert.deepEqual(
    document.segments[0]!.words.map(({ text }) => text),
    WORDS.map(({ word }) => word),
  );
  const plain = await runHere('qwen_asr', ['-d', demoModelDir, '-i', sample('timer-en'), '--json']);
  assert.equal(JSON.parse(plain.stdout).segments[0].words, null);
});

test('a text that is not said in the recording is noted', async () => {
  const path = join(scratch, 'other.txt');
  writeFileSync(path, 'Good morning. Wake me up at seven tomorrow. Turn on the bathroom heater, please.');
  const { code, stderr } = await align('-i', sample('travel-de'), '--text', path);
  assert.equal(code, 0);
  assert.match(stderr, /^note: (the text hardly fits the recording|\d+\.\d s of speech)/);
});

test('what is missing or wrong is said in one line', async () => {
  const refused = async (args: readonly string[], pattern: RegExp) => {
    const { code, stderr } = await runHere('qwen_asr', args);
    assert.equal(code, 1);
    assert.match(stderr, pattern);
  };
  await refused(['align', '-d', demoAlignerDir], /^error: -i: expected a recording, found none/);
  await refused(['align', '-d', demoAlignerDir, '-i', sample('timer-en')], /^error: --text: expected a file/);
  await refused(
    ['align', '-d', demoModelDir, ...timer],
    /^error: .*expected a forced aligner, found a model/,
  );
  await refused(
    ['align', '-d', demoAlignerDir, ...timer, '--language', 'th'],
    /--language: expected auto or one of/,
  );
  const latin = join(scratch, 'latin1.txt');
  writeFileSync(latin, Buffer.from([0x66, 0xfc, 0x72]));
  await refused(
    ['align', '-d', demoAlignerDir, '-i', sample('timer-en'), '--text', latin],
    /latin1\.txt: not UTF-8/,
  );
  const speech = ['-d', demoModelDir, '-i', sample('timer-en')];
  await refused([...speech, '--aligner', demoAlignerDir], /--aligner: .*expected --timestamps word/);
  const before = process.env['HF_HUB_CACHE'];
  process.env['HF_HUB_CACHE'] = scratch;
  try {
    await refused(
      [...speech, '--timestamps', 'word'],
      /^error: aligner: not in .*`qwen_asr pull aligner` fetches it/,
    );
  } finally {
    if (before === undefined) delete process.env['HF_HUB_CACHE'];
    else process.env['HF_HUB_CACHE'] = before;
  }
});

test('check knows an aligner', async () => {
  const { code, stdout } = await runHere('qwen_asr', ['check', '-d', demoAlignerDir]);
  assert.equal(code, 0);
  assert.match(stdout, /^ok: a forced aligner: 400 classes of 80 ms, up to 32 s$/m);
  assert.match(stdout, /^ok: every token of its input has an id$/m);
});

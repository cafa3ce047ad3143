import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { ENCODE, skipWithout } from '../audio/support/encoders.js';
import { readGolden } from '../support/golden.js';
import { demoModelDir, projectRoot } from '../support/projectRoot.js';
import { Random } from '../support/random.js';
import { runCli } from '../support/runCli.js';
import { runHere } from '../support/runHere.js';

const TOOLS = ['lame', 'flac', 'oggenc', 'opusenc', 'ffmpeg'] as const;
const skip = skipWithout(...TOOLS);

const scratch = mkdtempSync(join(tmpdir(), 'qwen-asr-damaged-'));
after(() => rmSync(scratch, { recursive: true }));

const clip = (name: string) => new Uint8Array(readFileSync(join(demoModelDir, 'samples', `${name}.wav`)));
const [FIRST, LAST] = [readGolden('demo/timer-en').text, readGolden('demo/light-en').text];

/** Every kind of damage of every format, between two recordings that nothing is wrong with. */
function writeRecordings(): { paths: string[]; hopeless: string[]; labelled: string[] } {
  const folder = join(scratch, 'recordings');
  mkdirSync(folder);
  const write = (name: string, bytes: Uint8Array): string => {
    const path = join(folder, name);
    writeFileSync(path, bytes);
    return path;
  };
  const random = new Random(6);
  const formats = Object.keys(ENCODE) as (keyof typeof ENCODE)[];
  const damaged: string[] = [];
  const hopeless: string[] = [];
  const labelled: string[] = [];
  for (const [i, format] of formats.entries()) {
    const bytes = ENCODE[format](clip('timer-en'));
    const corrupt = bytes.slice();
    for (let hits = 0; hits < bytes.length / 20; hits++) {
      corrupt[random.integer(200, bytes.length - 1)] = random.integer(0, 255);
    }
    const noise = Uint8Array.from({ length: 5000 }, () => random.integer(0, 255));
    hopeless.push(
      write(`empty.${format}`, new Uint8Array(0)),
      write(`stub.${format}`, bytes.subarray(0, 20)),
      write(`noise.${format}`, noise),
      write(`text.${format}`, new TextEncoder().encode('no audio at all')),
    );
    labelled.push(write(`mislabelled.${formats[(i + 1) % formats.length]}`, bytes));
    damaged.push(
      write(`truncated.${format}`, bytes.subarray(0, bytes.length / 2)),
      write(`corrupt.${format}`, corrupt),
    );
  }
  hopeless.push(join(folder, 'absent.wav'));
  const middle = [...hopeless, ...labelled, ...damaged];
  const paths = [write('first.wav', clip('timer-en')), ...middle, write('last.wav', clip('light-en'))];
  return { paths, hopeless, labelled };
}

const { paths, hopeless, labelled } =
  skip === false ? writeRecordings() : { paths: [], hopeless: [], labelled: [] };
/** The first as a process of its own, as all is meant to end in spite of every file; the others spare its start. */
const args = (...more: string[]) => ['-d', 'models/demo', ...paths, ...more];
const run = (...more: string[]) => runHere('qwen_asr', args(...more));

/** One line for every recording that is hopeless, and only notes for what could be coped with. */
function checkMessages(stderr: string): Set<string> {
  const lines = stderr.trimEnd().split('\n');
  const failed = new Set<string>();
  for (const line of lines) {
    const [, kind, path] = /^(error|note): (\S+?): \P{Cc}{5,400}$/u.exec(line) ?? [];
    assert.ok(path !== undefined && paths.includes(path), line);
    if (kind === 'note') continue;
    assert.ok(!failed.has(path), `two lines about ${path}`);
    failed.add(path);
  }
  for (const path of hopeless) assert.ok(failed.has(path), path);
  for (const path of labelled) assert.ok(!failed.has(path), path);
  return failed;
}

test('the rest of a batch is transcribed whatever its middle is, in txt', { skip }, async () => {
  const { code, stdout, stderr } = await runCli('qwen_asr', args());
  assert.equal(code, 1);
  const failed = checkMessages(stderr);
  const texts = new Map(
    stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/: (.*)/s).slice(0, 2) as [string, string]),
  );
  assert.deepEqual([...texts.keys()].sort(), paths.filter((path) => !failed.has(path)).sort());
  for (const path of [paths[0]!, ...labelled]) assert.equal(texts.get(path), FIRST);
  assert.equal(texts.get(paths.at(-1)!), LAST);
});

const schema = JSON.parse(readFileSync(join(projectRoot, 'schemas', 'transcript-v1.schema.json'), 'utf8'));
const allows = new Ajv2020({ allowUnionTypes: true, strictTypes: false }).compile(schema);

test('in json and jsonl, as the schema says, with the failures', { skip }, async () => {
  const json = await run('-o', 'json');
  const documents = JSON.parse(json.stdout);
  const jsonl = await run('-o', 'jsonl', '--logprobs');
  const lines = jsonl.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual([json.code, jsonl.code], [1, 1]);
  assert.ok(allows(documents), JSON.stringify(allows.errors));
  for (const line of lines) assert.ok(allows(line), JSON.stringify([line, allows.errors]));
  const failed = checkMessages(json.stderr);
  assert.deepEqual(checkMessages(jsonl.stderr), failed);
  interface Result {
    readonly input: string;
    readonly text?: string;
    readonly error?: object;
  }
  const ofRecordings: Result[] = lines.filter(({ type }) => type !== 'segment');
  for (const results of [documents as Result[], ofRecordings]) {
    assert.deepEqual(results.map(({ input }) => input).sort(), [...paths].sort());
    for (const { input, error, text } of results) {
      assert.equal(error !== undefined, failed.has(input), input);
      if (labelled.includes(input)) assert.equal(text, FIRST);
    }
  }
});

for (const format of ['txt', 'json', 'jsonl', 'srt', 'vtt']) {
  test(`into files of ${format}, one for each recording that has a transcript`, { skip }, async () => {
    const folder = join(scratch, `out-${format}`);
    const { code, stdout, stderr } = await run('-o', format, '--output-dir', folder);
    assert.equal(code, 1);
    const failed = checkMessages(stderr);
    const written = readdirSync(folder);
    assert.deepEqual(written.map((name) => join(folder, name)).sort(), stdout.trimEnd().split('\n').sort());
    assert.equal(written.length, paths.length - failed.size);
    assert.ok(written.every((name) => name.endsWith(`.${format}`)));
    const last = readFileSync(join(folder, `last.${format}`), 'utf8');
    assert.ok(last.includes(LAST), last);
    for (const path of labelled) {
      const content = readFileSync(join(folder, `${basename(path)}.${format}`), 'utf8');
      assert.ok(content.includes(FIRST), content);
    }
  });
}

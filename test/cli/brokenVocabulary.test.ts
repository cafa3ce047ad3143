import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { demoModelDir } from '../support/projectRoot.js';
import { runHere } from '../support/runHere.js';

const scratch = mkdtempSync(join(tmpdir(), 'qwen-asr-vocabulary-'));
after(() => rmSync(scratch, { recursive: true }));

const CLIPS = ['light-en', 'timer-en'].map((name) => `models/demo/samples/${name}.wav`);

const demoText = (file: string): string => readFileSync(join(demoModelDir, file), 'utf8');

/** vocab.json with an entry of another id. */
function withEntry(piece: string, id: number): string {
  return JSON.stringify({ ...JSON.parse(demoText('vocab.json')), [piece]: id });
}

/** tokenizer_config.json with another added token. */
function withToken(id: number): string {
  const config = JSON.parse(demoText('tokenizer_config.json'));
  config.added_tokens_decoder[id] = { content: '<extra>', special: false };
  return JSON.stringify(config);
}

function withAudioId(id: number): string {
  const config = JSON.parse(demoText('config.json'));
  config.thinker_config.audio_token_id = id;
  return JSON.stringify(config);
}

function noRow(id: number, piece: string): string {
  return `: tokenizer: expected ids below the 1967 rows of embed_tokens.weight, found ${id} for "${piece}"\n`;
}

for (const [file, content, args, message] of [
  ['vocab.json', '{bad', [], 'vocab.json: not JSON: '],
  ['vocab.json', '{"a":-1}', [], ': tokenizer: vocabulary entry "a": '],
  ['vocab.json', withEntry('Z', 1_000_000), ['--prompt', 'Z'], noRow(1_000_000, 'Z')],
  ['vocab.json', withEntry('Z', 1967), ['--backend', 'wasm', '--prompt', 'Z'], noRow(1967, 'Z')],
  ['vocab.json', withEntry('Z', 1_000_000), ['--backend', 'reference'], noRow(1_000_000, 'Z')],
  ['tokenizer_config.json', withToken(5000), [], noRow(5000, '<extra>')],
  [
    'config.json',
    withAudioId(1967),
    [],
    "config.json: thinker_config.audio_token_id: expected an id below the vocabulary's 1967",
  ],
  ['tokenizer_config.json', '[]', [], 'tokenizer_config.json: expected a JSON object, found an array'],
  ['merges.txt', 'a b c', ['--prompt', 'hello'], 'merges.txt line 1: expected two pieces'],
] as const) {
  test(`a broken ${file} is one line that names the directory, and no recording (${content.slice(0, 10)} ${args.join(' ')} ${message})`, async () => {
    const directory = join(scratch, 'model');
    cpSync(demoModelDir, directory, { recursive: true });
    writeFileSync(join(directory, file), content);
    const run = await runHere('qwen_asr', ['-d', directory, ...CLIPS, ...args]);
    rmSync(directory, { recursive: true });
    const expected = `error: ${directory}${message.startsWith(':') ? '' : '/'}${message}`;
    assert.ok(run.stderr.startsWith(expected), run.stderr);
    assert.equal(run.stderr.split('\n').length, 2, run.stderr);
    assert.deepEqual([run.code, run.stdout], [1, '']);
  });
}

import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { demoModelDir } from '../support/projectRoot.js';
import { runCli } from '../support/runCli.js';

const scratch = mkdtempSync(join(tmpdir(), 'qwen-asr-vocabulary-'));
after(() => rmSync(scratch, { recursive: true }));

const CLIPS = ['light-en', 'timer-en'].map((name) => `models/demo/samples/${name}.wav`);

for (const [file, content, args, message] of [
  ['vocab.json', '{bad', [], 'vocab.json: not JSON: '],
  ['vocab.json', '{"a":-1}', [], ': tokenizer: vocabulary entry "a": '],
  ['tokenizer_config.json', '[]', [], 'tokenizer_config.json: expected a JSON object, found an array'],
  ['merges.txt', 'a b c', ['--prompt', 'hello'], 'merges.txt line 1: expected two pieces'],
] as const) {
  test(`a broken ${file} is one line that names the directory, and no recording (${content})`, async () => {
    const directory = join(scratch, 'model');
    cpSync(demoModelDir, directory, { recursive: true });
    writeFileSync(join(directory, file), content);
    const run = await runCli('qwen_asr', ['-d', directory, ...CLIPS, ...args]);
    rmSync(directory, { recursive: true });
    const expected = `error: ${directory}${message.startsWith(':') ? '' : '/'}${message}`;
    assert.ok(run.stderr.startsWith(expected), run.stderr);
    assert.equal(run.stderr.split('\n').length, 2, run.stderr);
    assert.deepEqual([run.code, run.stdout], [1, '']);
  });
}

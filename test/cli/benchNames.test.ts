import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { demoModelDir } from '../support/projectRoot.js';
import { runBench } from '../support/runBench.js';
import { runCli } from '../support/runCli.js';

const scratch = mkdtempSync(join(tmpdir(), 'qwen-asr-names-'));
after(() => rmSync(scratch, { recursive: true }));

/** Clears the screen, writes from right to left, breaks the line, and is a C1 control. */
const EVIL = 'a\u001b[2J\u202e\n\u009bb';
const SHOWN = 'a\\x1b[2J\\u202e\\n\\x9bb';
/** What must not reach a terminal. */
const COMMANDS = /(?!\n)[\p{Cc}\u202a-\u202e\u2066-\u2069]/u;

const skip = process.platform === 'win32' && 'names there have no control characters';
const clip = join(scratch, `${EVIL}.wav`);
const other = join(scratch, `${EVIL}2.wav`);
const model = join(scratch, `${EVIL}-model`);
const json = join(scratch, 'result.json');
const evilJson = join(scratch, `${EVIL}.json`);

if (skip === false) {
  for (const path of [clip, other]) copyFileSync(join(demoModelDir, 'samples', 'timer-en.wav'), path);
  symlinkSync(demoModelDir, model);
}

function assertHarmless({ stdout, stderr }: { stdout: string; stderr: string }): void {
  assert.doesNotMatch(stdout, COMMANDS);
  assert.doesNotMatch(stderr, COMMANDS);
}

test('names of recordings and models are written out in the text, and exact in JSON', { skip }, async () => {
  const args = [
    '-d',
    model,
    '-i',
    clip,
    '-n',
    '2',
    '--details',
    '--plot',
    '--export',
    json,
    '--export',
    evilJson,
  ];
  const outcome = await runBench(args);
  assertHarmless(outcome);
  assert.equal(outcome.code, 0);
  assert.ok(outcome.stdout.includes(`Loading model from ${scratch}/${SHOWN}-model ...\n`), outcome.stdout);
  assert.ok(outcome.stdout.includes(`[${scratch}/${SHOWN}.wav]\n`), outcome.stdout);
  const result = JSON.parse(readFileSync(json, 'utf8'));
  assert.deepEqual([result.models[0].source, result.audio[0].path], [model, clip]);
});

test('so are those of sweeps, plans, comparisons and errors', { skip }, async () => {
  for (const args of [
    ['-d', model, '-i', clip, '-i', other, '-n', '1', '--details', '--plot'],
    ['-d', model, '-i', clip, '-i', other, '--dry-run'],
    ['-d', model, '-i', clip, '-n', '1', '--vs', `-d '${model}'`, '-o', 'md'],
    ['-d', model, '-i', `${clip}x`],
    ['-d', `${model}x`],
  ]) {
    const outcome = await runBench(args);
    assertHarmless(outcome);
    const shown = outcome.stdout + outcome.stderr;
    assert.ok(shown.includes(String.raw`\x1b[2J`) || shown.includes(String.raw`x1b\[2J`), shown);
  }
});

test('report and compare write out the names of results, and those in them', { skip }, async () => {
  for (const args of [
    ['report', evilJson, '--plot'],
    ['report', json, '-o', 'text'],
    ['report', json, '-o', 'md'],
    ['compare', json, evilJson],
    ['compare', json, evilJson, '-o', 'md'],
    ['compare', json, `${evilJson}x`],
  ]) {
    assertHarmless(await runCli('qwen_asr_bench', args));
  }
});

test('qwen_asr check writes out the name of the model', { skip }, async () => {
  const outcome = await runCli('qwen_asr', ['check', '-d', model]);
  assertHarmless(outcome);
  assert.match(outcome.stdout, /x1b/);
});

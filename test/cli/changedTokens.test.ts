import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { hashModel } from '../../src/bench/environment/provenance.js';
import { readResult } from '../../src/bench/output/readResult.js';
import { demoModelDir } from '../support/projectRoot.js';
import { runBench } from '../support/runBench.js';
import { runHere } from '../support/runHere.js';

/*
 * Whether a change of what is recognised fails, from real runs: the same model measured twice, and a model that
 * computes something else although nothing was meant to differ.
 */

const scratch = mkdtempSync(join(tmpdir(), 'qwen-asr-tokens-'));
after(() => rmSync(scratch, { recursive: true }));

const GERMAN = join(demoModelDir, 'samples', 'weather-de.wav');

/** Bytes of a piece that a model's hash looks at, and how many there are. */
const PIECE_BYTES = 4096;
const PIECES = 64;
const damaged = damagedModel();

/** The demo model with noise in its weights, between the pieces that its hash is made of: a build gone wrong. */
function damagedModel(): string {
  const folder = join(scratch, 'damaged');
  cpSync(demoModelDir, folder, { recursive: true });
  const path = join(folder, 'model.safetensors');
  const bytes = readFileSync(path);
  const last = bytes.length - PIECE_BYTES;
  const weights = 8 + Number(bytes.readBigUInt64LE(0)); // behind the header
  for (let piece = 0; piece + 1 < PIECES; piece++) {
    const start = Math.max(weights, Math.floor((last * piece) / (PIECES - 1)) + PIECE_BYTES);
    const end = Math.floor((last * (piece + 1)) / (PIECES - 1));
    // The sign bits of bf16 numbers, every third: finite all the same.
    for (let at = start | 1; at < end; at += 6) bytes[at] = (bytes[at] ?? 0) ^ 0x80;
  }
  writeFileSync(path, bytes);
  return folder;
}

async function measure(name: string, ...args: string[]): Promise<string> {
  const path = join(scratch, `${name}.json`);
  const { code, stderr } = await runBench(['-n', '2', ...args, '--export', path]);
  assert.equal(code, 0, stderr);
  return path;
}

const compare = (...args: string[]) => runHere('qwen_asr_bench', ['compare', ...args]);

const before = await measure('before', '-d', demoModelDir, '-i', GERMAN);

test('the same model again passes', async () => {
  const again = await measure('again', '-d', demoModelDir, '-i', GERMAN);
  const { code, stdout } = await compare(before, again);
  assert.match(stdout, /^the tokens are the same$/m);
  assert.equal(code, 0);
});

test('other tokens from what claims to be the same fail with exit code 3, and say what changed', async () => {
  assert.equal(await hashModel(damaged), await hashModel(demoModelDir));
  const after = await measure('after', '-d', damaged, '-i', GERMAN);
  const [was, is] = [before, after].map((path) => readResult(path).cells[0]?.runs[0]);
  assert.equal(was?.text, 'Wie ist das Wetter heute in Hamburg?');
  assert.notEqual(is?.tokenHash, was?.tokenHash);
  const { code, stdout } = await compare(before, after);
  assert.match(stdout, /^failed: the tokens differ from token \d+ on \(\d+ \/ \d+ tokens\)/m);
  assert.equal(stdout.match(/the tokens differ/g)?.length, 1, 'said once');
  assert.equal(code, 3);
  const allowed = await compare(before, after, '--allow-token-changes');
  assert.match(allowed.stdout, /^the tokens differ from token \d+ on /m);
  assert.equal(allowed.code, 0);
});

test('--vs fails with exit code 3 for the same reason', async () => {
  const args = ['-d', demoModelDir, '-i', GERMAN, '-n', '2', '--vs', `-d ${damaged}`];
  const { code, stdout } = await runBench(args);
  assert.match(stdout, /^note: -d .*: the tokens differ$/m);
  assert.equal(code, 3);
});

test('another language is refused by its name; declared, other tokens are what it is for', async () => {
  const english = await measure('english', '-d', demoModelDir, '-i', GERMAN, '--language', 'en');
  const refused = await compare(before, english);
  assert.match(refused.stderr, /^error: .* expected the same settings, found language null \/ en; --across /);
  assert.deepEqual([refused.code, refused.stdout], [1, '']);
  const declared = await compare(before, english, '--across', 'settings');
  assert.match(declared.stdout, /^the tokens differ from token 1 on .* \(expected\)$/m);
  assert.equal(declared.code, 0);
  const paired = await runBench(['-d', demoModelDir, '-i', GERMAN, '-n', '2', '--vs', '--language en']);
  assert.equal(paired.code, 0, 'and so it is in pairs');
});

test('other audio is refused by its name; declared, other tokens are expected', async () => {
  const timer = join(demoModelDir, 'samples', 'timer-en.wav');
  const other = await measure('other', '-d', demoModelDir, '-i', timer);
  const refused = await compare(before, other);
  assert.match(
    refused.stderr,
    /^error: .* expected the same audio, found .*weather-de\.wav .* \/ .*timer-en\.wav /,
  );
  assert.equal(refused.code, 1);
  const declared = await compare(before, other, '--across', 'audio');
  assert.match(declared.stdout, /"Wie ist das .*" \/ "Set a timer .*" \(expected\)$/m);
  assert.equal(declared.code, 0);
});

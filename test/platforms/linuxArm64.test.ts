import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ARM64_CPUS } from '../support/emulatedArm64.js';
import { emulatedNodeMissing, runEmulatedNode } from '../support/emulatedNode.js';
import { demoModelDir } from '../support/projectRoot.js';

const skip = emulatedNodeMissing;
const OLDEST = ARM64_CPUS.neon.model;
const NEWEST = ARM64_CPUS.all.model;

/** With every golden in bf16, whose sums are emulated in software: three minutes more. */
const isFull = process.env['QWEN_ASR_FULL'] === '1';

/** Test files that hold on every machine with machine code, and how many tests they have at least. */
const FILES = [
  // But for the test of 200,000 calls.
  { file: 'runtime/native.test.js', cpu: NEWEST, least: 5, pattern: 'koffi|once|error|file' },
  { file: 'runtime/codePages.test.js', cpu: NEWEST, least: 3 },
  { file: 'runtime/nativeMachine.test.js', cpu: NEWEST, least: 3 },
  { file: 'runtime/conductor.test.js', cpu: NEWEST, least: 12 },
  { file: 'runtime/conductor.test.js', cpu: OLDEST, least: 12 }, // without atomics in one instruction
  { file: 'runtime/participants.test.js', cpu: NEWEST, least: 5, pattern: 'machine code' },
  { file: 'runtime/lateParticipants.test.js', cpu: OLDEST, least: 1 },
  { file: 'runtime/lateParticipants.test.js', cpu: NEWEST, least: 1 },
  { file: 'ops/compiled/selfTest.test.js', cpu: OLDEST, least: 2 },
  { file: 'ops/compiled/selfTest.test.js', cpu: NEWEST, least: 2 },
  { file: 'ops/compiled/macOnLinux.test.js', cpu: NEWEST, least: 3 },
  { file: 'transcribe/nativeGoldens.test.js', cpu: OLDEST, least: 1, pattern: '^neon f32, 2 threads' },
  { file: 'transcribe/defaultGolden.test.js', cpu: NEWEST, least: 1 }, // in bf16
  ...(isFull
    ? [{ file: 'transcribe/nativeGoldens.test.js', cpu: NEWEST, least: 1, pattern: ' bf16, 2 threads' }]
    : []),
];

for (const { file, cpu, least, pattern } of FILES) {
  test(`${file} passes on arm64, ${cpu}`, { skip }, async () => {
    const patterns = pattern === undefined ? [] : [`--test-name-pattern=${pattern}`];
    const { status, stdout, stderr } = await runEmulatedNode(cpu, [
      '--test-reporter=tap',
      ...patterns,
      join('dist', 'test', file),
    ]);
    const failed = stdout.split('\n').filter((line) => /^\s*not ok/.test(line));
    assert.deepEqual([status, failed], [0, []], stderr || stdout.slice(-2000));
    const passed = stdout.match(/^\s*ok \d+ - (?!.*# SKIP)/gm)?.length ?? 0;
    assert.ok(passed >= least, `${passed} tests ran:\n${stdout}`);
  });
}

test('npm run microbench times what an arm64 processor has', { skip }, async () => {
  const options = ['embedRows', '--model', 'demo', '--ms', '1'];
  const { status, stdout, stderr } = await runEmulatedNode(OLDEST, ['scripts/microbench.mjs', ...options]);
  assert.equal(status, 0, stderr);
  assert.deepEqual(stdout.match(/^[\w+]+, \w+$/gm), ['neon, f32', 'wasm, f32']);
});

test('the command transcribes by machine code on arm64, and says so', { skip }, async () => {
  const samples = join(demoModelDir, 'samples');
  const { text } = JSON.parse(readFileSync(join(samples, 'texts.json'), 'utf8'))['timer-en'];
  const options = [
    '-d',
    demoModelDir,
    '-i',
    join(samples, 'timer-en.wav'),
    '--threads',
    '2',
    '--json',
    '--isa',
    ARM64_CPUS.all.name,
  ];
  const { status, stdout, stderr } = await runEmulatedNode(NEWEST, ['dist/src/cli/qwenAsr.js', ...options]);
  assert.equal(status, 0, stderr);
  const transcript = JSON.parse(stdout);
  assert.equal(transcript.text, text);
  assert.match(stdout, /"backend": "arm64"/);
  assert.match(stdout, new RegExp(`"isa": "${ARM64_CPUS.all.name.replaceAll('+', '\\+')}"`));
});

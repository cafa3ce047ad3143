import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readResult } from '../../src/bench/output/readResult.js';
import { measuredBench } from '../support/measuredBench.js';
import { demoModelDir } from '../support/projectRoot.js';
import { runBench } from '../support/runBench.js';
import { speakSentences } from '../support/sentences.js';
import { wavOf16Bit } from '../support/wavWriter.js';

const scratch = mkdtempSync(join(tmpdir(), 'qwen-asr-segments-'));
after(() => rmSync(scratch, { recursive: true }));

const SAMPLES = join(demoModelDir, 'samples');
const CLIP = join(SAMPLES, 'timer-en.wav');
const bench = (...args: string[]) => runBench(['-d', demoModelDir, ...args]);

const measured = (name: string, ...args: string[]) => measuredBench(scratch, name, ...args);

/** Four sentences of 4 s each. */
const { samples, texts } = await speakSentences([0, 1, 2, 3]);
const TALK = join(scratch, 'talk.wav');
writeFileSync(TALK, wavOf16Bit(Array.from(samples, (value) => Math.round(value * 32_767))));

test('a long recording in segments, one by one and side by side: the same text, fewer decode steps', async () => {
  const { code, stderr, stdout, result } = await measured(
    'batches',
    ...['-i', TALK, '--segment', '4', '--batch', '1,3', '-n', '2'],
  );
  assert.deepEqual([code, stderr], [0, '']);
  assert.deepEqual(
    result.cells.map(({ id, settings }) => [
      id,
      settings.segmentSeconds,
      settings.batch,
      settings.skipSilence,
    ]),
    [
      ['batch=1', 4, 1, false],
      ['batch=3', 4, 3, false],
    ],
  );
  const runs = result.cells.flatMap((cell) => cell.runs);
  assert.equal(runs.length, 4);
  for (const { text, phases, totalMs, segments } of runs) {
    assert.equal(text, texts.join(' '));
    assert.equal(segments?.length, 4);
    const sum = Object.values(phases).reduce<number>((total, ms) => total + (ms ?? 0), 0);
    assert.ok(Math.abs(sum - totalMs) < 1e-6, `${sum} of ${totalMs}`);
  }
  assert.equal(new Set(runs.map(({ tokenHash }) => tokenHash)).size, 1);
  const [alone, together] = result.cells.map((cell) => cell.runs[0]);
  assert.ok(alone?.decodeStepRows?.every((rows) => rows === 1));
  assert.equal(Math.max(...(together?.decodeStepRows ?? [])), 3);
  assert.ok((together?.decodeStepsMs.length ?? 0) < (alone?.decodeStepsMs.length ?? 0));
  assert.match(stdout, /^batch +runs /m);
  assert.match(stdout, /^1 +2 .*\n3 +2 /m);
});

test('--vad measures what voice activity leaves, and the result says so', async () => {
  const { code, stderr, stdout, result } = await measured('vad', '-i', TALK, '--vad', '-n', '1', '--details');
  assert.deepEqual([code, stderr], [0, '']);
  const [cell] = result.cells;
  assert.deepEqual(
    [cell?.settings.vad, cell?.settings.segmentSeconds, cell?.settings.batch],
    [true, null, 4],
  );
  const [run] = cell?.runs ?? [];
  assert.deepEqual([run?.text, run?.segments?.length], [texts.join(' '), 4]);
  assert.match(stdout, /4 segment\(s\) of speech, batch 4/);
  assert.match(stdout, /^base: .* speech alone, batch 4/m);
});

test('a single setting says into what it cuts, --tokens counts for each segment, --ref holds for the whole', async () => {
  const reference = join(scratch, 'talk.txt');
  writeFileSync(reference, texts.join(' '));
  const { code, stdout, result } = await measured(
    'ref',
    '-i',
    TALK,
    '--segment',
    '4',
    '-n',
    '1',
    '--ref',
    reference,
  );
  assert.equal(code, 0);
  assert.match(
    stdout,
    /^Mode: full pipeline {2}\| {2}1 run\(s\) {2}\| {2}16\.0 s {2}\[.*talk\.wav\] {2}\| {2}4 segment\(s\) of about 4 s, batch 4$/m,
  );
  assert.match(stdout, /^accuracy: WER 0\.0 % {2}CER 0\.0 %/m);
  assert.equal(result.cells[0]?.accuracy?.wer, 0);
  const exact = await measured(
    'tokens',
    '-i',
    TALK,
    '--segment',
    '4',
    '--tokens',
    '5',
    '-n',
    '1',
    '--details',
  );
  assert.match(exact.stdout, /\| {2}4 segment\(s\) of about 4 s, batch 4, 5 tokens each$/m);
  assert.match(exact.stdout, /, 5 tokens a segment, segments of 4 s, batch 4, /);
  assert.match(exact.stdout, / tokens=20 /);
  const [cell] = exact.result.cells;
  assert.deepEqual([cell?.settings.exactTokens, cell?.runs[0]?.tokens], [5, 20]);
  assert.deepEqual(
    cell?.runs[0]?.segments?.map(({ tokens }) => tokens),
    [5, 5, 5, 5],
  );
});

test('a batch that never fills is noted', async () => {
  const { stdout } = await bench('-i', TALK, '--segment', '4', '--batch', '9', '-n', '1', '--details');
  assert.match(stdout, /^note: batch 9: no more than 4 segment\(s\) were decoded side by side$/m);
});

test('--vs compares batches on the same tokens, and segments that hear something else', async () => {
  const batches = await bench('-i', TALK, '--segment', '4', '-n', '2', '--vs', '--batch 1');
  assert.equal(batches.code, 0, batches.stderr);
  assert.match(batches.stdout, /--batch 4 .*run 1\/2/);
  assert.match(batches.stdout, /^tokens: the same in every round$/m);
  // One segment of 16 s is more than the demo model was taught; what it makes of it is no failure.
  const segments = await measured('vs', '-i', TALK, '--segment', '4', '-n', '2', '--vs', '--segment 0');
  const [a, b] = segments.result.cells;
  assert.notEqual(a?.runs[0]?.tokenHash, b?.runs[0]?.tokenHash);
  assert.equal(segments.code, 0, segments.stderr);
});

test('several recordings give the real-time factor of the whole set', async () => {
  const { code, stdout, result } = await measured('set', '-i', CLIP, '-i', TALK, '-n', '3', '--segment', '4');
  assert.equal(code, 0);
  const [set, ...others] = result.sets ?? [];
  assert.deepEqual(others, []);
  const audioMs = result.audio.reduce((sum, { durationMs }) => sum + durationMs, 0);
  assert.equal(set?.audioMs, audioMs);
  const totals = [0, 1, 2].map((round) =>
    result.cells.reduce(
      (sum, { runs }) => sum + (runs.find((run) => run.round === round)?.totalMs ?? Number.NaN),
      0,
    ),
  );
  assert.equal(set?.totalsMs.length, 3);
  for (const [round, ms] of totals.entries()) assert.ok(Math.abs(ms - (set?.totalsMs[round] ?? 0)) < 1e-9);
  const middle = [...totals].sort((a, b) => a - b)[1] ?? Number.NaN;
  assert.ok(Math.abs((set?.summary['rt_factor']?.median ?? 0) - middle / audioMs) < 1e-12);
  const seconds = (audioMs / 1000).toFixed(1);
  assert.match(
    stdout,
    new RegExp(`^all recordings together:\\n[^]*?^2 +${seconds.replace('.', '\\.')} +3 `, 'm'),
  );
});

test('-i takes a directory: every recording in it, and nothing else', async () => {
  const folder = join(scratch, 'folder');
  mkdirSync(join(folder, 'inner'), { recursive: true });
  copyFileSync(CLIP, join(folder, 'b.wav'));
  copyFileSync(join(SAMPLES, 'light-en.wav'), join(folder, 'inner', 'a.wav'));
  writeFileSync(join(folder, 'notes.txt'), 'no recording');
  const { code, result } = await measured('folder', '-i', folder, '-n', '1');
  assert.equal(code, 0);
  assert.deepEqual(
    result.audio.map(({ path }) => path),
    [join(folder, 'b.wav'), join(folder, 'inner', 'a.wav')],
  );
  assert.equal(result.sets?.[0]?.cells.length, 2);
  const one = await bench('-i', folder, '-i', join(folder, 'b.wav'), '--dry-run');
  assert.match(one.stdout, /^2 cells, /);
  mkdirSync(join(scratch, 'empty'));
  const none = await bench('-i', join(scratch, 'empty'));
  assert.deepEqual([none.code, none.stdout], [1, '']);
  assert.match(none.stderr, /^error: .*empty: .*no recordings.*\n$/);
});

test('--resume goes on with the same segments and batch, and with no others', async () => {
  const path = join(scratch, 'resumed.jsonl');
  const args = (runs: string, ...cut: string[]) => ['-i', TALK, ...cut, '-n', runs, '--resume', path];
  assert.equal((await bench(...args('1', '--segment', '4', '--batch', '2'))).code, 0);
  const resumed = await bench(...args('2', '--segment', '4', '--batch', '2'));
  assert.deepEqual([resumed.code, resumed.stderr], [0, '']);
  assert.equal(readResult(path).cells[0]?.runs.length, 2);
  for (const [cut, message] of [
    [['--segment', '4'], /expected batch 4 in base, found 2$/m],
    [['--segment', '5', '--batch', '2'], /expected segment 5 in base, found 4$/m],
    [[], /expected segment never in base, found 4$/m],
    [
      ['--segment', '4', '--batch', '2', '--skip-silence'],
      /expected skip-silence true in base, found false$/m,
    ],
  ] as const) {
    const { code, stderr } = await bench(...args('3', ...cut));
    assert.deepEqual([code, stderr.split('\n').length], [1, 2], stderr);
    assert.match(stderr, message);
  }
});

test('a process of its own cuts the same', async () => {
  const { code, result } = await measured('isolated', '-i', TALK, '--segment', '4', '-n', '1', '--isolate');
  assert.equal(code, 0);
  const [cell] = result.cells;
  assert.deepEqual([cell?.runs[0]?.text, cell?.runs[0]?.segments?.length], [texts.join(' '), 4]);
  assert.deepEqual(
    cell?.work.map(({ phase }) => phase),
    ['convStem', 'encoderLayers', 'prefill', 'decode'],
  );
});

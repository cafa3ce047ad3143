import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readResult } from '../../src/bench/output/readResult.js';
import { readGolden } from '../support/golden.js';
import { measuredBench } from '../support/measuredBench.js';
import { demoModelDir } from '../support/projectRoot.js';
import { runBench } from '../support/runBench.js';
import { wavOf16Bit } from '../support/wavWriter.js';

const scratch = mkdtempSync(join(tmpdir(), 'qwen-asr-live-bench-'));
after(() => rmSync(scratch, { recursive: true }));

const clip = (name: string): string => join(demoModelDir, 'samples', `${name}.wav`);
const bench = (...args: string[]) => runBench(['-d', demoModelDir, ...args]);
const measured = (name: string, ...args: string[]) => measuredBench(scratch, name, ...args);

test('a live benchmark has the delays, the steps and the text, beside the offline one', async () => {
  const reference = join(scratch, 'morning.txt');
  const { text } = readGolden('demo/morning-en');
  writeFileSync(reference, text.replace('seven', 'eleven'));
  const { code, stderr, stdout, result } = await measured(
    'live',
    ...['-i', clip('morning-en'), '--stream', '-n', '2', '--precision', 'f32', '--ref', reference],
  );
  assert.deepEqual([code, stderr], [0, '']);
  assert.match(
    stdout,
    /^Mode: live, steps of 2 s, simulated clock {2}\| {2}2 run\(s\) {2}\| {2}12\.8 s {2}\[/m,
  );
  assert.match(
    stdout,
    /^ {2}run 2\/2: {2}steps= +\d+ {2}step= +\d+ ms {2}longest= +\d+ ms {2}first= +\d+ ms {2}final= +\d+ ms$/m,
  );
  assert.match(stdout, /^first words ms +\d+ /m);
  assert.match(stdout, /^head-room \d+.* revised [\d.]+ % of \d+ tokens$/m);
  assert.match(stdout, /^accuracy: live against offline: WER 0\.0 %/m);
  const [cell] = result.cells;
  assert.deepEqual(
    [cell?.settings.stream, cell?.settings.chunkSeconds, cell?.settings.pace],
    [true, 2, 'simulated'],
  );
  assert.equal(cell?.offline?.text, text);
  const [wer] = [cell?.accuracy?.wordErrors];
  assert.deepEqual([wer, cell?.offlineAccuracy?.wordErrors, cell?.agreement?.wordErrors], [1, 1, 0]);
  for (const run of cell?.runs ?? []) {
    assert.equal(run.text, text);
    const { steps, segments, commitDelaysMs } = run.stream ?? assert.fail();
    assert.equal(segments.length, 1);
    assert.equal(commitDelaysMs.length, text.split(' ').length);
    assert.equal(steps.filter(({ ends }) => ends).length, 1);
    for (const [i, step] of steps.entries()) {
      // Nothing is known before it was spoken and computed.
      assert.ok(step.atMs >= step.audioMs + 0.99 * step.stepMs, `step ${i}`);
      const { melMs, convStemMs, encoderLayersMs, prefillMs, decodeMs, stepMs } = step;
      assert.ok(melMs + convStemMs + encoderLayersMs + prefillMs + decodeMs <= stepMs + 1e-6);
      if (!step.ends && !step.late) assert.equal(step.heardMs, 2000 * (i + 1));
    }
    const [segment] = segments;
    // Two steps, the pause of 0.8 s that ends a segment, and what the last step takes.
    assert.ok(segment!.firstWordsMs! >= 2000 && segment!.finalMs >= 800);
    const parts = Object.values(run.phases).reduce<number>((sum, ms) => sum + (ms ?? 0), 0);
    assert.ok(Math.abs(parts - run.totalMs) < 1e-6);
  }
});

test('both clocks tell the same delays', async () => {
  const { result } = await measured(
    'paces',
    '-i',
    clip('timer-en'),
    '--stream',
    '--pace',
    'simulated,recording',
    '-n',
    '1',
  );
  const [simulated, recording] = result.cells.map(({ summary }) => summary ?? {});
  for (const name of ['first_words', 'final_delay', 'commit_delay']) {
    const [a, b] = [simulated?.[name]?.median ?? Number.NaN, recording?.[name]?.median ?? Number.NaN];
    assert.ok(Math.abs(a - b) < 500, `${name}: ${a} and ${b} ms`); // the machine may be busy
  }
  // By the world's clock a run lasts as long as its recording: that is no speed.
  assert.equal(recording?.['rt_factor'], undefined);
  assert.ok((simulated?.['rt_factor']?.median ?? 9) < 1);
  assert.deepEqual(
    result.cells.map(({ runs }) => runs[0]?.text),
    Array(2).fill(readGolden('demo/timer-en').text),
  );
});

test('chunks are swept and compared, interrupted and gone on with', async () => {
  const file = join(scratch, 'chunks.jsonl');
  const args = [
    '-i',
    clip('timer-en'),
    '--stream',
    '--chunk',
    '1,2',
    '-n',
    '1',
    '--warmup',
    '0',
    '--resume',
    file,
  ];
  assert.equal((await bench(...args)).code, 0);
  const again = await bench(...args);
  assert.match(again.stderr, /nothing was left to measure/);
  const { cells } = readResult(file);
  assert.deepEqual(
    cells.map(({ id, offline }) => [id, offline?.text]),
    [
      ['chunk=1', readGolden('demo/timer-en').text],
      ['chunk=2', readGolden('demo/timer-en').text],
    ],
  );
  const other = await bench(...args, '--pace', 'recording');
  assert.match(other.stderr, /pace/);
  assert.equal(other.code, 1);
  const csv = await runBench(['report', file, '-o', 'csv']);
  assert.match(csv.stdout, /,settings\.chunkSeconds,settings\.pace,/);
  const versus = await bench('-i', clip('timer-en'), '--stream', '-n', '2', '--vs', '--chunk 1');
  assert.equal(versus.code, 0, versus.stderr);
  assert.match(versus.stdout, /^step +[-+\d]/m);
  assert.match(versus.stdout, /^first_words +-/m);
});

test('random weights decode four tokens a second, and no rolled-back one is accepted', async () => {
  const path = join(scratch, 'silence.json');
  const { code } = await runBench([
    ...['-d', 'synthetic:tiny', '-s', '7', '--stream', '-n', '1', '--warmup', '0', '--export', path],
  ]);
  assert.equal(code, 0);
  const { steps = [], revisedTokens } = readResult(path).cells[0]?.runs[0]?.stream ?? {};
  assert.deepEqual(
    steps.map(({ heardMs, draftTokens, acceptedTokens, decodedTokens }) => [
      heardMs,
      draftTokens,
      acceptedTokens,
      decodedTokens,
    ]),
    [
      [2000, 0, 0, 8],
      [4000, 8, 0, 16], // the first steps are free: all of it is said anew
      [6000, 5, 0, 13],
      [7000, 5, 0, 9],
    ],
  );
  assert.equal(revisedTokens, null);
});

test('without speech there is nothing to time, and that is said', async () => {
  const path = join(scratch, 'hush.wav');
  writeFileSync(path, wavOf16Bit(new Array(32_000).fill(0)));
  const { code, stdout } = await bench('-i', path, '--stream', '-n', '1');
  assert.equal(code, 0);
  assert.match(stdout, /^note: no speech was found, so no step was made$/m);
});

for (const [args, message] of [
  [
    ['--chunk', '1'],
    /^error: --chunk: expected text while it is spoken \(--stream\), found recordings as a whole$/m,
  ],
  [['--pace', 'recording'], /^error: --pace: expected text while it is spoken/m],
  [['--stream', '--segment', '10'], /^error: --segment: expected recordings as a whole, found --stream$/m],
  [['--stream', '--tokens', '10'], /^error: --tokens: expected recordings as a whole/m],
  [['--stream', '--roofline'], /^error: --roofline: expected recordings as a whole/m],
  [
    ['--stream', '-w', '1'],
    /^error: --stream: expected the full pipeline \(-w 0\), found the encoder alone \(-w 1\)$/m,
  ],
  [['--stream', '--chunk', '0.1'], /^error: --chunk: expected seconds from 0\.5 to 30, found "0\.1"$/m],
  [
    ['--segment', '10', '--vs', '--stream'],
    /^error: --vs: --stream: expected a recording as it is, found one that is cut$/m,
  ],
] as const) {
  test(`${args.join(' ')} is refused`, async () => {
    const { code, stderr } = await bench('-i', clip('timer-en'), ...args);
    assert.equal(code, 1);
    assert.match(stderr, message);
  });
}

test('the page has the steps and the delays', async () => {
  const page = join(scratch, 'live.html');
  const { code } = await bench('-i', clip('morning-en'), '--stream', '-n', '2', '--export', page);
  assert.equal(code, 0);
  const html = readFileSync(page, 'utf8');
  for (const part of ['Steps along a segment', 'committed behind speech', 'head-room'])
    assert.ok(html.includes(part), part);
});

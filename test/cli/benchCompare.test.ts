import assert from 'node:assert/strict';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { measuredBench } from '../support/measuredBench.js';
import { demoModelDir } from '../support/projectRoot.js';
import { runBench } from '../support/runBench.js';
import { CLI_ENTRIES } from '../support/runCli.js';

const scratch = mkdtempSync(join(tmpdir(), 'qwen-asr-compare-'));
after(() => rmSync(scratch, { recursive: true }));

const DEMO = demoModelDir;
const SAMPLES = join(DEMO, 'samples');
const CLIP = join(SAMPLES, 'timer-en.wav');
const bench = (...args: string[]) => runBench(['-d', DEMO, ...args]);

const measured = (name: string, ...args: string[]) => measuredBench(scratch, name, ...args);

test('--vs runs both sides in turns and gives a verdict; equal tokens are said', async () => {
  const { code, stdout, result } = await measured('vs', '-i', CLIP, '-n', '4', '--vs', '--backend reference');
  assert.equal(code, 0);
  assert.equal(result.kind, 'comparison');
  assert.match(
    stdout,
    /^--backend reference against --backend auto:\n.* verdict\ntotal .* (slower|undecided.*|same|faster)$/m,
  );
  assert.match(stdout, /^tokens: the same in every round$/m);
  assert.deepEqual(
    result.comparisons.map((one) => [one.metric, one.design === 'paired' && one.orders.join(' ')]),
    ['total', 'encode', 'decode'].map((metric) => [metric, 'ab ba ab ba']),
  );
});

test('--vs-cmd reads the phases of a command that prints the seed’s lines', async () => {
  const other = `'${process.execPath}' '${CLI_ENTRIES.qwen_asr_bench}' -d {model} -i {audio} -t {threads} -n 1`;
  const { code, stdout, result } = await measured(
    'command',
    '-i',
    CLIP,
    '-n',
    '2',
    '-t',
    '1',
    '--vs-cmd',
    other,
  );
  assert.equal(code, 0);
  assert.deepEqual(
    result.comparisons.map(({ metric }) => metric),
    ['total', 'encode', 'decode'],
  );
  const outside = result.cells[1];
  assert.equal(outside?.settings.command, other);
  for (const { totalMs, commandMs, encodeMs, textTokens } of outside?.runs ?? []) {
    assert.ok(commandMs !== null && encodeMs !== null && commandMs > totalMs && totalMs > encodeMs);
    assert.equal(textTokens, 7);
  }
  assert.match(stdout, /against qwen-asr:\n.*\ntotal /);
});

test('--ref gives the error rates of one recording, and of several together', async () => {
  const references = join(scratch, 'references');
  mkdirSync(references);
  writeFileSync(join(references, 'timer-en.txt'), 'set a timer for eleven minutes\n');
  writeFileSync(join(references, 'light-en.txt'), 'Turn on the kitchen light!\n');
  const one = await bench('-i', CLIP, '-n', '1', '--ref', join(references, 'timer-en.txt'));
  assert.match(
    one.stdout,
    /^accuracy: WER 16\.7 % {2}CER .* {2}WER 95 % \d.* … .* {2}\(S 1, I 0, D 0; .*timer-en\.txt; rules english-1\)$/m,
  );
  const both = await bench('-i', CLIP, '-i', join(SAMPLES, 'light-en.wav'), '-n', '1', '--ref', references);
  assert.match(both.stdout, /^light-en\.wav +0\.0 % +0\.0 % +WER 0\.0 % … \d.* 0 +0 +0 +5 words$/m);
  assert.match(both.stdout, /^all 2 recordings +9\.1 % .* 1 +0 +0 +11 words$/m);
  assert.deepEqual([one.code, both.code], [0, 0]);
});

test('--roofline prints the ceilings first, the shares with every run and at the end', async () => {
  const { code, stdout } = await bench('-i', CLIP, '-n', '2', '--roofline');
  assert.equal(code, 0);
  if (/not available on the reference backend/.test(stdout)) return;
  assert.match(stdout, /^ceilings \(\d+ threads?\): read [\d.]+ GB\/s {2}f32 [\d.]+ [GT]FLOP\/s/m);
  assert.ok(stdout.indexOf('ceilings (') < stdout.indexOf('warmup'));
  assert.equal(
    stdout.match(
      /^ +of the ceilings: conv stem ~?\d+ % {2}encoder ~?\d+ % {2}prefill ~?\d+ % {2}decode ~?\d+ %$/gm,
    )?.length,
    2,
  );
  const table = stdout.slice(stdout.indexOf('\nof the ceilings'));
  const rows = [
    ...table.matchAll(/^(\w+) +[\d.]+ +[\d.]+ +~?\d+ %(?: .*(?:FLOP|B)\/s {2,}(?:f32|bf16|read))?$/gm),
  ];
  assert.deepEqual(
    rows.map(([, name]) => name),
    ['conv_stem', 'encoder_layers', 'prefill', 'decode_steps', 'all'],
  );
});

test('--roofline on the reference backend says that there are none', async () => {
  const { code, stdout } = await bench('-s', '1', '-n', '1', '--roofline', '--backend', 'reference');
  assert.equal(code, 0);
  assert.match(stdout, /^ceilings: not available on the reference backend$/m);
});

test('--details adds statistics, phases and the machine after the lines of the contract', async () => {
  const { stdout } = await bench('-i', CLIP, '-n', '6', '--details');
  const table = stdout.indexOf('rt_factor');
  for (const part of [
    'machine ',
    'median ',
    '95 % interval',
    'first_token',
    'memory ',
    'peak MiB',
    'load, once ',
    'conv_stem',
    'detokenize',
    'text: "Set a timer',
  ]) {
    assert.ok(stdout.indexOf(part) > table, part);
  }
});

/** A stand-in for another engine: a script that prints a text, and writes down what it was given. */
function otherEngine(name: string, text: string, rest = ''): string {
  const path = join(scratch, `${name}.cjs`);
  writeFileSync(path, `console.log(${JSON.stringify(text)}); ${rest}`);
  return `'${process.execPath}' '${path}'`;
}

test('--vs-cmd holds a command that tells no figures against this engine as a whole process too', async () => {
  const other = `${otherEngine('quick', 'Set a timer for seven minutes.')} {audio}`;
  const { code, stdout, stderr, result } = await measured(
    'process',
    '-i',
    CLIP,
    '-n',
    '2',
    '--vs-cmd',
    other,
  );
  assert.deepEqual([code, stderr], [0, '']);
  assert.deepEqual(
    result.comparisons.map(({ metric }) => metric),
    ['process'],
  );
  const [ours, theirs] = result.cells;
  for (const { totalMs, commandMs } of ours?.runs ?? []) {
    // Starting Node and loading are in it.
    assert.ok(commandMs !== null && commandMs > 1.5 * totalMs, `${commandMs} ${totalMs}`);
  }
  assert.ok(theirs?.runs.every(({ totalMs, commandMs }) => totalMs === commandMs));
  assert.deepEqual([theirs?.summary?.['total'], theirs?.summary?.['rt_factor']], [undefined, undefined]);
  assert.match(stdout, /^ {2}node +run 1\/2: {2}process= *\d+ ms$/m);
  assert.doesNotMatch(stdout, /differs/);
});

test('--vs-cmd names another transcript, and gives no verdict on the time of something else', async () => {
  const near = await measured(
    'near',
    '-i',
    CLIP,
    '-n',
    '2',
    '--vs-cmd',
    otherEngine('near', 'Set a time for 7 minutes'),
  );
  assert.match(near.stdout, /^note: node: its transcript differs from ours in 1 of 6 words: /m);
  assert.equal(near.result.comparisons.length, 1);
  const far = await measured('far', '-i', CLIP, '-n', '2', '--vs-cmd', otherEngine('far', 'ready'));
  assert.match(
    far.stdout,
    /^note: node: no verdict: its transcript differs from ours in 6 of 6 words: "ready"/m,
  );
  assert.deepEqual(far.result.comparisons, []);
  const encoder = await measured(
    'encoder',
    '-w',
    '1',
    '-s',
    '1',
    '-n',
    '2',
    '--vs-cmd',
    otherEngine('any', 'x'),
  );
  assert.match(encoder.stdout, /^note: node: no verdict: .*encoder/m);
  assert.deepEqual(encoder.result.comparisons, []);
});

test('--vs-cmd that fails is an error before anything is loaded or printed', async () => {
  for (const command of ['/no/such/engine {audio}', otherEngine('broken', '', 'process.exit(2)')]) {
    const { code, stdout, stderr } = await runBench(['-d', DEMO, '-i', CLIP, '-n', '2', '--vs-cmd', command]);
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, /^error: --vs-cmd: expected exit code 0 of .*\n$/);
  }
});

test('--vs-cmd gives a recording of any name as it is, and runs nothing from it', async () => {
  const odd = join(scratch, 'a $(touch pwned) `touch pwned` "b" \\ \'c\'.wav');
  copyFileSync(CLIP, odd);
  const seen = join(scratch, 'seen.txt');
  const other = otherEngine(
    'seen',
    '',
    `require('fs').writeFileSync(${JSON.stringify(seen)}, process.argv[2])`,
  );
  const { code } = await runBench([
    '-d',
    DEMO,
    '-i',
    odd,
    '-n',
    '2',
    '--vs-cmd',
    `cd '${scratch}' && ${other} "{audio}"`,
  ]);
  assert.equal(code, 0);
  assert.equal(readFileSync(seen, 'utf8'), odd);
  assert.ok(!existsSync(join(scratch, 'pwned')));
});

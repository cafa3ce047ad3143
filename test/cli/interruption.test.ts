import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { checkBenchResult } from '../../src/bench/output/readResult.js';
import { CLI_ENTRIES, type CliOutcome, runCli } from '../support/runCli.js';

const scratch = mkdtempSync(join(tmpdir(), 'qwen-asr-interruption-'));
after(() => rmSync(scratch, { recursive: true }));

const CLIP = join('models', 'demo', 'samples', 'timer-en.wav');
/** Runs that nobody waits for. */
const ENDLESS = ['-d', 'models/demo', '-i', CLIP, '-n', '100000'];

/** Nothing is heard of it, so that its line comes as soon as the model is there and before the next recording is opened. */
const SILENCE = join('models', 'demo', 'samples', 'silence-3s.wav');

/** Transcribes silence and another recording, and sends a signal once the first is done. */
async function signalAfterSilence(signal: NodeJS.Signals, args: readonly string[]): Promise<CliOutcome> {
  let sent = false;
  const outcome = await runCli('qwen_asr', ['--skip-silence', '-i', SILENCE, ...args], {
    input: null,
    onOutput: (_, child) => {
      if (!sent) child.kill(signal);
      sent = true;
    },
  });
  assert.equal(outcome.stdout, `${SILENCE}: \n`);
  return outcome;
}

/** Runs the endless benchmark and does something once, after its first measured run. */
function afterFirstRun(
  act: (child: { kill(signal: NodeJS.Signals): void; stdout: { destroy(): void } | null }) => void,
  args: readonly string[] = ENDLESS,
): Promise<CliOutcome> {
  let done = false;
  return runCli('qwen_asr_bench', args, {
    onOutput: (stdout, child) => {
      if (done || !stdout.includes('run 1/')) return;
      done = true;
      act(child);
    },
  });
}

for (const [name, exitCode] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  test(`${name} prints the table of what was finished and ends with ${exitCode}`, async () => {
    const { code, stdout, stderr } = await afterFirstRun((child) => child.kill(name));
    const finished = stdout.match(/^ {2}run \d+\/100000:/gm)?.length;
    assert.equal(stderr, `note: stopped by ${name} after ${finished} of 100000 runs\n`);
    assert.match(
      stdout,
      / {2}run 1\/100000: .*\n\n {15}min {6}mean {7}max\n(total|encode|decode|rt_factor| |.)*/s,
    );
    assert.match(stdout, /\nrt_factor .* x RT\n\nmedian .* runs.*\n$/);
    assert.equal(code, exitCode);
  });

  test(`${name} ends qwen_asr with ${exitCode}, while it decodes`, async () => {
    // Random weights practically never choose an end token.
    const args = ['-d', 'synthetic:tiny', '-i', CLIP, '--max-tokens', '1000000'];
    const { code, stderr } = await signalAfterSilence(name, args);
    assert.deepEqual(
      [code, stderr],
      [exitCode, 'note: the weights are random, so the text is meaningless\n'],
    );
  });
}

test('a signal that comes while a command is still being imported is caught', async () => {
  const hooks = join(scratch, 'hooks.mjs');
  const preload = join(scratch, 'preload.mjs');
  writeFileSync(
    hooks,
    `export async function resolve(specifier, context, next) {
  if (/(benchProgram|asrCommand)\\.js$/.test(specifier)) process.kill(process.pid, 'SIGINT');
  return next(specifier, context);
}`,
  );
  writeFileSync(
    preload,
    `import { register } from 'node:module';\nregister(${JSON.stringify(pathToFileURL(hooks))});`,
  );
  const env = { NODE_OPTIONS: `--import ${pathToFileURL(preload)}` };
  for (const command of ['qwen_asr', 'qwen_asr_bench'] as const) {
    const { code, stdout, stderr } = await runCli(command, ['-h'], { env });
    assert.deepEqual({ code, stdout, stderr }, { code: 130, stdout: '', stderr: '' });
  }
});

test('signals up to the very end of the process leave the exit code as it is', async () => {
  let flood: NodeJS.Timeout | undefined;
  const { code } = await afterFirstRun((child) => {
    flood = setInterval(() => child.kill('SIGINT'), 1);
  });
  clearInterval(flood);
  assert.equal(code, 130);
});

test('SIGINT with -o json leaves the finished runs as a whole document', async () => {
  let interrupted = false;
  const { code, stdout } = await runCli('qwen_asr_bench', [...ENDLESS, '--json'], {
    onStart: (child) =>
      child.stderr?.on('data', (text) => {
        if (interrupted || !String(text).includes('run 1/')) return;
        interrupted = true;
        child.kill('SIGINT');
      }),
  });
  const document = JSON.parse(stdout);
  const { complete, cells } = checkBenchResult(document, 'stdout');
  assert.equal(complete, false);
  assert.ok(cells[0] !== undefined && cells[0].runs.length >= 1);
  assert.equal(code, 130);
});

test('SIGINT ends a wait for standard input', async () => {
  const { code, stderr } = await signalAfterSilence('SIGINT', ['-d', 'models/demo', '-i', '-']);
  assert.deepEqual([code, stderr], [130, '']);
});

test('SIGTERM ends a wait for a named pipe that nobody writes to', {
  skip: process.platform === 'win32' && 'there are none',
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'qwen-asr-pipe-'));
  const pipe = join(folder, 'pipe');
  assert.equal(spawnSync('mkfifo', [pipe]).status, 0);
  const { code, stderr } = await signalAfterSilence('SIGTERM', ['-d', 'models/demo', '-i', pipe]);
  rmSync(folder, { recursive: true });
  assert.deepEqual([code, stderr], [143, '']);
});

test('a reader that leaves ends the benchmark quietly, as `| head -1` does', async () => {
  const { code, stderr } = await afterFirstRun((child) => child.stdout?.destroy());
  assert.deepEqual([code, stderr], [0, '']);
});

test('files are written and exit codes stand when the reader leaves', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'qwen-asr-reader-'));
  const [a, b, page] = ['a.json', 'b.json', 'c.html'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const few = ['-d', 'models/demo', '-i', CLIP, '-n', '4'];
  const measured = await afterFirstRun((child) => child.stdout?.destroy(), [...few, '--export', a]);
  assert.deepEqual([measured.code, measured.stderr], [0, '']);
  const result = checkBenchResult(JSON.parse(readFileSync(a, 'utf8')), a);
  assert.deepEqual([result.complete, result.cells[0]?.runs.length], [true, 4]);
  // All times of B are ten times as long.
  const slower = result.cells.map((cell) => ({
    ...cell,
    runs: cell.runs.map((run) => ({ ...run, totalMs: 10 * run.totalMs })),
  }));
  writeFileSync(b, JSON.stringify({ ...result, cells: slower }));
  const compared = await runCli(
    'qwen_asr_bench',
    ['compare', a, b, '--fail-if', 'total>+5%!', '--export', page],
    { onStart: (child) => child.stdout?.destroy() },
  );
  assert.deepEqual([compared.code, compared.stderr, existsSync(page)], [3, '', true]);
  rmSync(folder, { recursive: true });
});

const FULL = '/dev/full';
const noFullDevice = existsSync(FULL) ? false : `${FULL} exists on Linux only`;

test('output that cannot be written is an error of one line', { skip: noFullDevice }, () => {
  const output = openSync(FULL, 'w');
  try {
    const { status, stderr } = spawnSync(process.execPath, [CLI_ENTRIES.qwen_asr_bench, '-h'], {
      stdio: ['ignore', output, 'pipe'],
      encoding: 'utf8',
    });
    assert.deepEqual([status, stderr], [1, 'error: standard output: cannot be written (ENOSPC)\n']);
  } finally {
    closeSync(output);
  }
});

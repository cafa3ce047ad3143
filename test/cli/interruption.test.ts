import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkBenchResult } from '../../src/bench/schema/checkBenchResult.js';
import { CLI_ENTRIES, type CliOutcome, runCli } from '../support/runCli.js';

const CLIP = join('models', 'demo', 'samples', 'timer-en.wav');
/** Runs that nobody waits for. */
const ENDLESS = ['-d', 'models/demo', '-i', CLIP, '-n', '100000'];

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
    assert.equal(stderr, '');
    assert.match(
      stdout,
      / {2}run 1\/100000: .*\n\n {15}min {6}mean {7}max\n(total|encode|decode|rt_factor| |.)*/s,
    );
    assert.match(stdout, /\nrt_factor .* x RT\n$/);
    assert.equal(code, exitCode);
  });

  test(`${name} ends qwen_asr with ${exitCode}, while it decodes`, async () => {
    // Random weights practically never choose an end token.
    const args = ['-d', 'synthetic:tiny', '-i', CLIP, '--max-tokens', '1000000'];
    const { code, stdout, stderr } = await runCli('qwen_asr', args, {
      onStart: (child) => setTimeout(() => child.kill(name), 3000),
    });
    assert.deepEqual({ code, stdout, stderr }, { code: exitCode, stdout: '', stderr: '' });
  });
}

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
  const { code, stderr } = await runCli('qwen_asr', ['-d', 'models/demo', '-i', '-'], {
    input: null,
    onStart: (child) => setTimeout(() => child.kill('SIGINT'), 1500),
  });
  assert.deepEqual([code, stderr], [130, '']);
});

test('SIGTERM ends a wait for a named pipe that nobody writes to', {
  skip: process.platform === 'win32' && 'there are none',
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'qwen-asr-pipe-'));
  const pipe = join(folder, 'pipe');
  assert.equal(spawnSync('mkfifo', [pipe]).status, 0);
  const { code, stderr } = await runCli('qwen_asr', ['-d', 'models/demo', '-i', pipe], {
    onStart: (child) => setTimeout(() => child.kill('SIGTERM'), 1500),
  });
  rmSync(folder, { recursive: true });
  assert.deepEqual([code, stderr], [143, '']);
});

test('a reader that leaves ends the benchmark quietly, as `| head -1` does', async () => {
  const { code, stderr } = await afterFirstRun((child) => child.stdout?.destroy());
  assert.deepEqual([code, stderr], [0, '']);
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

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readGolden } from '../support/golden.js';
import { noMachineCode } from './support/nativeConfigurations.js';
import type { Holdings } from './support/resourceChild.js';

const CHILD = fileURLToPath(new URL('support/resourceChild.js', import.meta.url));
const LIMIT_MS = 60_000;

const skip = await noMachineCode();

interface Outcome {
  readonly code: number | null;
  readonly result: unknown;
  /** From the child's line to its end. */
  readonly endMs: number;
}

/** Plays a scene of resourceChild.ts. */
function play(scene: string): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [CHILD, scene], { timeout: LIMIT_MS, killSignal: 'SIGKILL' });
    let [stdout, stderr, lineMs] = ['', '', Number.NaN];
    child.stdout.on('data', (text) => {
      stdout += text;
      lineMs = performance.now();
    });
    child.stderr.on('data', (text) => {
      stderr += text;
    });
    child.on('error', reject);
    child.on('close', (code) => {
      if (stdout === '') return reject(new Error(`${scene}: nothing on standard output, ${stderr}`));
      resolve({ code, result: JSON.parse(stdout), endMs: performance.now() - lineMs });
    });
  });
}

test('a hundred times loading and closing leave no memory, threads, mappings or files behind', {
  skip,
}, async () => {
  const { code, result } = await play('cycles');
  assert.equal(code, 0);
  const [early, late] = result as [Holdings, Holdings];
  assert.ok(late.rssBytes <= early.rssBytes + 20e6, `${early.rssBytes} → ${late.rssBytes} bytes`);
  assert.equal(late.threads, early.threads);
  assert.equal(late.openFiles, early.openFiles);
  // V8's own heap takes and gives back some; one mapping a cycle would be 90.
  assert.ok(late.mappings <= early.mappings + 45, `${early.mappings} → ${late.mappings} mappings`);
});

test('a loaded model takes no CPU time while idle', { skip }, async () => {
  const { code, result } = await play('idle');
  assert.equal(code, 0);
  const { cpuMs } = result as { cpuMs: number };
  assert.ok(cpuMs < 50, `${cpuMs} ms in a second`);
});

test('timers run on time while minutes of audio are encoded', { skip }, async () => {
  const { code, result } = await play('timers');
  assert.equal(code, 0);
  const { count, p95Ms } = result as { count: number; p95Ms: number };
  assert.ok(count > 100, `${count} turns of the event loop`);
  // The demo model computes so little that copies and garbage collection weigh 30 times what they do with 0.6B, where
  // the 99th percentile is below this.
  assert.ok(p95Ms <= 20, `95 % within ${p95Ms} ms`);
});

test('a process with a loaded model ends by itself', { skip }, async () => {
  const { code, result, endMs } = await play('leave');
  assert.equal(code, 0);
  assert.equal(result, readGolden('demo/two-windows-en').shapes['encoder']![0]);
  assert.ok(endMs < 5000, `${endMs} ms after its last line`);
});

test('process.exit ends a process in the middle of a run', { skip }, async () => {
  const { code, result, endMs } = await play('exit');
  assert.equal(code, 7);
  assert.equal(result, 3);
  assert.ok(endMs < 5000, `${endMs} ms after process.exit`);
});

test('a run that nobody waits for still reaches its end', { skip }, async () => {
  const { code, result } = await play('unawaited');
  assert.equal(code, 0);
  assert.equal(result, readGolden('demo/two-windows-en').shapes['encoder']![0]);
});

test('without the optional package another backend transcribes the same, with a note', async () => {
  const { code, result } = await play('withoutKoffi');
  assert.equal(code, 0);
  const { backend, note, text } = result as { backend: string; note: string; text: string };
  assert.notEqual(backend, 'x64');
  if (skip === false) assert.match(note, /koffi/);
  assert.equal(text, 'Turn on the kitchen light.');
});

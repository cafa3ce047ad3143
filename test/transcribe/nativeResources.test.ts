import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readGolden } from '../support/golden.js';
import { noMachineCode } from './support/nativeConfigurations.js';
import { playScene } from './support/playScene.js';

const skip = await noMachineCode();

test('a loaded model takes no CPU time while idle', { skip }, async () => {
  const { code, result } = await playScene('idle');
  assert.equal(code, 0);
  const { cpuMs } = result as { cpuMs: number };
  assert.ok(cpuMs < 50, `${cpuMs} ms in a second`);
});

test('timers run on time while minutes of audio are encoded', { skip }, async () => {
  // Of several, because other processes only ever add to it.
  let leastMs = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < 5 && leastMs > 20; attempt++) {
    const { code, result } = await playScene('timers');
    assert.equal(code, 0);
    const { count, p95Ms } = result as { count: number; p95Ms: number };
    assert.ok(count > 100, `${count} turns of the event loop`);
    leastMs = Math.min(leastMs, p95Ms);
  }
  // The demo model computes so little that copies and garbage collection weigh 30 times what they do with 0.6B, where
  // the 99th percentile is below this.
  assert.ok(leastMs <= 20, `95 % within ${leastMs} ms`);
});

test('a process with a loaded model ends by itself', { skip }, async () => {
  const { code, result, endMs } = await playScene('leave');
  assert.equal(code, 0);
  assert.equal(result, readGolden('demo/morning-en').shapes['encoder']![0]);
  assert.ok(endMs < 30_000, `${endMs} ms after its last line`);
});

test('process.exit ends a process in the middle of a run', { skip }, async () => {
  const { code, result, endMs } = await playScene('exit');
  assert.equal(code, 7);
  assert.equal(result, 3);
  assert.ok(endMs < 30_000, `${endMs} ms after process.exit`);
});

test('a run that nobody waits for still reaches its end', { skip }, async () => {
  const { code, result } = await playScene('unawaited');
  assert.equal(code, 0);
  assert.equal(result, readGolden('demo/morning-en').shapes['encoder']![0]);
});

test('without the optional package another backend transcribes the same, with a note', async () => {
  const { code, result } = await playScene('withoutKoffi');
  assert.equal(code, 0);
  const { backend, note, text } = result as { backend: string; note: string; text: string };
  assert.notEqual(backend, 'x64');
  if (skip === false) assert.match(note, /koffi/);
  assert.equal(text, 'Turn on the kitchen light.');
});

import assert from 'node:assert/strict';
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { projectRoot } from './support/projectRoot.js';

function microbench(...args: readonly string[]): SpawnSyncReturns<string> {
  const script = join(projectRoot, 'scripts', 'microbench.mjs');
  return spawnSync(process.execPath, [script, ...args], { encoding: 'utf8', timeout: 180_000 });
}

test('npm run microbench times kernels on every level, in the unit that limits them', () => {
  const { status, stdout, stderr } = microbench(
    'embedRows',
    'windowAttention',
    '--model',
    'demo',
    '--ms',
    '10',
  );
  assert.equal(status, 0, stderr);
  const levels = [...stdout.matchAll(/^([\w+]+), (?:f32|bf16)$/gm)].map((match) => match[1]);
  assert.ok(levels.includes('wasm'), stdout);
  for (const [kernel, unit] of [
    ['embedRows', 'GB/s'],
    ['windowAttention', 'GFLOP/s'],
  ] as const) {
    const rows = stdout.split('\n').filter((line) => line.includes(kernel));
    assert.ok(rows.length > 0 && rows.length % levels.length === 0, stdout); // a kernel may have several calls
    for (const row of rows) {
      const [, time, rate] = row.match(/([\d.]+) µs +([\d.]+) (?:GB|GFLOP)\/s/) ?? [];
      assert.ok(Number(time) > 0 && Number(rate) > 0 && row.includes(unit), row);
    }
  }
});

test('npm run microbench names what it does not know', () => {
  for (const args of [['nothing'], ['--model', '7b'], ['--level', 'sse']]) {
    const { status, stderr } = microbench(...args);
    assert.equal(status, 1);
    assert.match(stderr, /^error: .*(nothing|7b|sse)/);
  }
});

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { repairTimes } from '../../../src/transcribe/align/repairTimes.js';
import { goldenDir } from '../../support/projectRoot.js';

test('repairs are those of the independent implementation', () => {
  const lines = readFileSync(join(goldenDir, 'aligner', 'repairs.jsonl'), 'utf8')
    .trim()
    .split('\n');
  assert.equal(lines.length, 60);
  let changed = 0;
  for (const line of lines) {
    const { times, repaired }: { times: number[]; repaired: number[] } = JSON.parse(line);
    assert.deepEqual(repairTimes(times), repaired, line);
    if (times.some((ms, i) => ms !== repaired[i])) changed++;
  }
  assert.ok(changed > 30, `only ${changed} of the cases have something to repair`);
});

test('one or two take the nearer neighbour, more are spread, and ends have one neighbour', () => {
  assert.deepEqual(repairTimes([]), []);
  assert.deepEqual(repairTimes([400]), [400]);
  assert.deepEqual(repairTimes([100, 900, 200, 300]), [100, 100, 200, 300]);
  assert.deepEqual(repairTimes([100, 900, 800, 200, 300, 400]), [100, 100, 200, 200, 300, 400]);
  assert.deepEqual(repairTimes([0, 9000, 8000, 7000, 400, 500, 600]), [0, 100, 200, 300, 400, 500, 600]);
  assert.deepEqual(repairTimes([9000, 8000, 100, 200, 300]), [100, 100, 100, 200, 300]);
  assert.deepEqual(repairTimes([100, 200, 300, 20, 10]), [100, 200, 300, 300, 300]);
});

test('spans never go back, whatever the times were', () => {
  let seed = 1;
  const next = (): number => {
    seed = (seed * 48271) % 2147483647;
    return seed;
  };
  for (let round = 0; round < 200; round++) {
    const times = Array.from({ length: 2 * (1 + (next() % 30)) }, () => 80 * (next() % 40));
    const repaired = repairTimes(times);
    assert.ok(repaired.every((ms, i) => i === 0 || ms >= repaired[i - 1]!));
    assert.ok(repaired.every((ms) => Number.isInteger(ms) && ms >= 0 && ms <= Math.max(...times)));
  }
});

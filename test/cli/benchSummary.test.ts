import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { measuredBench } from '../support/measuredBench.js';

const scratch = mkdtempSync(join(tmpdir(), 'qwen-asr-summary-'));
after(() => rmSync(scratch, { recursive: true }));

test('the last line has the median of the runs, its interval and how many were disturbed', async () => {
  const { stdout, result } = await measuredBench(scratch, 'seven', '-s', '1', '-w', '1', '-n', '7');
  const runs = result.cells[0]!.runs;
  const sorted = runs.map(({ encodeMs }) => encodeMs!).sort((a, b) => a - b);
  // Of 7 the smallest and the largest: each tail 1/128, and 8/128 with the next ones (Conover 1999, §3.2).
  const [low, median, high] = [sorted[0]!, sorted[3]!, sorted[6]!].map((ms) => ms.toFixed(1));
  const disturbed = runs.filter(({ interference }) => interference?.noisy).length;
  const share = runs[0]!.interference === null ? 'not known on this system' : `${disturbed} of 7 runs`;
  const last = `\nmedian ${median} ms, 95 % interval ${low} to ${high} ms, disturbed: ${share}\n`;
  assert.ok(stdout.endsWith(last), stdout);
});

test('a sweep has its table instead', async () => {
  const { stdout } = await measuredBench(scratch, 'sweep', '-s', '1,2', '-w', '1', '-n', '1');
  assert.doesNotMatch(stdout, /^median \d/m);
});

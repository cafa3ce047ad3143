import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import {
  defaultBaselineDir,
  openResult,
  planBaseline,
  saveBaseline,
} from '../../../src/bench/compare/baselines.js';
import { benchmarkResult } from '../support/sampleResults.js';

const scratch = mkdtempSync(join(tmpdir(), 'qwen-asr-baselines-'));
after(() => rmSync(scratch, { recursive: true }));

test('baselines live where XDG says', () => {
  assert.equal(defaultBaselineDir({ XDG_DATA_HOME: '/data' }), '/data/qwen-asr/baselines');
  const fallback = join(homedir(), '.local', 'share', 'qwen-asr', 'baselines');
  assert.equal(defaultBaselineDir({}), fallback);
  assert.equal(defaultBaselineDir({ XDG_DATA_HOME: 'relative' }), fallback);
});

test('a saved result is found by its name; a file of that name comes first', () => {
  const folder = join(scratch, 'new', 'folder');
  const result = benchmarkResult(2);
  saveBaseline(planBaseline('v1.0', folder), result);
  assert.deepEqual(openResult('v1.0', folder), { name: 'v1.0', result });
  saveBaseline(planBaseline('v1.0', folder), benchmarkResult(3));
  assert.equal(openResult('v1.0', folder).result.cells[0]?.runs.length, 3);
  const file = join(scratch, 'v1.0.json');
  writeFileSync(file, JSON.stringify(result));
  assert.deepEqual(openResult(file, folder).result, result);
  assert.throws(() => openResult('v2', folder), { code: 'file', message: /found the baselines v1\.0 in / });
  assert.throws(() => openResult('v2', join(scratch, 'none')), {
    code: 'file',
    message: /found no baselines in /,
  });
});

test('names that are no file names, and folders that cannot be made, are refused', () => {
  for (const name of ['', '../up', 'a/b', '.hidden', 'a b', 'ä']) {
    assert.throws(() => planBaseline(name, scratch), {
      code: 'usage',
      message: /expected a name of letters/,
    });
  }
  writeFileSync(join(scratch, 'file'), '');
  assert.throws(() => planBaseline('x', join(scratch, 'file')), {
    code: 'file',
    message: /x\.json: .* its directory is no directory$/,
  });
});

test('a folder where nothing can be made is refused at once', (t) => {
  if (process.platform !== 'linux') return t.skip('there is no /proc');
  for (const folder of ['/proc/nothing', '/proc/nothing/below']) {
    assert.throws(() => planBaseline('x', folder), { code: 'file', message: /x\.json: / });
  }
});

test('a broken baseline is named, with what is wrong', () => {
  writeFileSync(join(scratch, 'broken.json'), '{"schema": "qwen-asr-bench-result", "version": 1}');
  assert.throws(() => openResult('broken', scratch), {
    code: 'compare',
    message: /broken\.json: kind: expected a value/,
  });
});

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { JobSpool } from '../../src/serve/jobs/jobSpool.js';

const HASH = 'ab'.repeat(32);

test('audio that no job needs is removed, but not while its job is being added', async () => {
  const base = mkdtempSync(join(tmpdir(), 'qwen-asr-spool-test-'));
  const spool = new JobSpool(base);
  const twoHoursAgoS = Date.now() / 1000 - 7200;
  for (const id of ['waits', 'done', 'young', 'old']) {
    const path = spool.path(`job-${id}`, HASH);
    writeFileSync(path, id);
    if (id !== 'young') utimesSync(path, twoHoursAgoS, twoHoursAgoS);
  }
  const folder = join(base, 'qwen-asr-jobs');
  writeFileSync(join(folder, 'somebody-elses'), 'not ours');
  assert.equal(await spool.bytes(), 'waitsdoneyoungold'.length);
  const jobs = new Map([
    ['job-waits', true],
    ['job-done', false],
  ]);
  await spool.sweep(async (queueId) => jobs.get(queueId) ?? null);
  const left = readdirSync(folder).toSorted();
  assert.deepEqual(left, [`job-waits-${HASH}`, `job-young-${HASH}`, 'somebody-elses']);
  rmSync(base, { recursive: true });
});

test('a job’s names never lead out of the folder', () => {
  const base = mkdtempSync(join(tmpdir(), 'qwen-asr-spool-test-'));
  const spool = new JobSpool(base);
  for (const [queueId, hash] of [
    ['job-../../etc', HASH],
    ['job-a', '../../etc/passwd'],
    ['', HASH],
  ] as const) {
    assert.throws(() => spool.path(queueId, hash), /names no file/);
  }
  rmSync(base, { recursive: true });
});

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, ftruncateSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readFileBytes } from '../../src/model/modelDirectory.js';
import { oneLineError } from './support/oneLineError.js';
import { temporaryDirectory } from './support/temporaryDirectory.js';

test('reads a file byte for byte', async (t) => {
  const path = join(temporaryDirectory(t), 'file');
  const content = Uint8Array.from({ length: 100_001 }, (_, i) => (i * 7) & 0xff);
  writeFileSync(path, content);
  const file = await readFileBytes(path);
  assert.equal(file.byteLength, 100_001);
  assert.deepEqual(new Uint8Array(file.buffer), content);
  file.release();
});

test('reads an empty file', async (t) => {
  const path = join(temporaryDirectory(t), 'empty');
  writeFileSync(path, '');
  assert.equal((await readFileBytes(path)).byteLength, 0);
});

test('reads a file of more than 2 GiB', async (t) => {
  const byteLength = 2 ** 31 + 2 ** 26 + 3;
  if (process.env['CI'] !== 'true') {
    t.skip(`reads ${byteLength} bytes: runs with CI=true`);
    return;
  }
  const path = join(temporaryDirectory(t), 'large');
  const handle = openSync(path, 'w');
  ftruncateSync(handle, byteLength);
  writeSync(handle, new Uint8Array([1, 2, 3]), 0, 3, byteLength - 3);
  writeSync(handle, new Uint8Array([4, 5]), 0, 2, 2 ** 31 - 1);
  closeSync(handle);
  const { buffer } = await readFileBytes(path);
  assert.deepEqual([...new Uint8Array(buffer, byteLength - 4)], [0, 1, 2, 3]);
  assert.deepEqual([...new Uint8Array(buffer, 2 ** 31 - 2, 4)], [0, 4, 5, 0]);
});

test('says what is wrong in one line', async (t) => {
  const directory = temporaryDirectory(t);
  mkdirSync(join(directory, 'folder'));
  await assert.rejects(
    readFileBytes(join(directory, 'absent')),
    oneLineError('file', /absent: no such file/),
  );
  await assert.rejects(readFileBytes(join(directory, 'folder')), oneLineError('file', /expected a file/));
  await assert.rejects(readFileBytes('a\0b'), { code: 'file', name: 'QwenAsrError' });
});

test('does not wait for a pipe', { timeout: 60_000 }, async (t) => {
  if (process.platform === 'win32') {
    t.skip('Windows has no named pipes in folders');
    return;
  }
  const path = join(temporaryDirectory(t), 'pipe');
  execFileSync('mkfifo', [path]);
  await assert.rejects(readFileBytes(path), oneLineError('file', /expected a file, found something else/));
});

test('stops when aborted', async (t) => {
  const path = join(temporaryDirectory(t), 'file');
  writeFileSync(path, 'abc');
  await assert.rejects(
    readFileBytes(path, AbortSignal.abort()),
    oneLineError('aborted', /reading was aborted/),
  );
});

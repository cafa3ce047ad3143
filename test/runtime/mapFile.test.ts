import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readlinkSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileMapper } from '../../src/runtime/mapFile.js';
import { loadNative, type Native } from '../../src/runtime/native.js';
import { oneLineError } from '../model/support/oneLineError.js';
import { temporaryDirectory } from '../model/support/temporaryDirectory.js';
import { protectionAt } from './support/memoryMap.js';

const native = await loadNative();
const skip = typeof native === 'string' && native;
const map = skip === false ? fileMapper(native as Native) : () => Promise.reject(new Error('not here'));

test('a mapping holds exactly the file, stays after a replacement, and ends with release', {
  skip,
}, async (t) => {
  const path = join(temporaryDirectory(t), 'weights');
  const bytes = Uint8Array.from({ length: 5000 }, (_, i) => i % 251);
  writeFileSync(path, bytes);
  const file = await map(path);
  assert.equal(file.byteLength, 5000);
  assert.equal(file.buffer.byteLength, 5000);
  assert.deepEqual(new Uint8Array(file.buffer), bytes);
  assert.equal(openFiles(path), 0, 'descriptors of the file');
  writeFileSync(`${path}.new`, new Uint8Array(10));
  renameSync(`${path}.new`, path);
  assert.deepEqual(new Uint8Array(file.buffer), bytes);
  const address = (native as Native).addressOf(new Uint8Array(file.buffer));
  assert.equal(protectionAt(address), 'r--s');
  file.release();
  assert.equal(protectionAt(address), null);
});

test('what is no file with bytes in it is refused, without waiting', { skip, timeout: 10_000 }, async (t) => {
  const directory = temporaryDirectory(t);
  await assert.rejects(map(directory), oneLineError('file', /expected a file/));
  writeFileSync(join(directory, 'empty'), '');
  await assert.rejects(map(join(directory, 'empty')), oneLineError('file', /empty$/));
  execFileSync('mkfifo', [join(directory, 'pipe')]);
  await assert.rejects(map(join(directory, 'pipe')), oneLineError('file', /expected a file/));
  await assert.rejects(map(join(directory, 'none')), { code: 'ENOENT' });
  assert.equal(openFiles(directory), 0);
});

/** Descriptors of this process below a path. */
function openFiles(path: string): number {
  return readdirSync('/proc/self/fd').filter((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`).startsWith(path);
    } catch {
      return false; // that of the listing itself
    }
  }).length;
}

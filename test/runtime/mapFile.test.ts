import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { MappedFiles } from '../../src/runtime/mapFile.js';
import { loadNative, openNative } from '../../src/runtime/system/loadNative.js';
import type { Native } from '../../src/runtime/system/native.js';
import { oneLineError } from '../model/support/oneLineError.js';
import { temporaryDirectory } from '../model/support/temporaryDirectory.js';
import { protectionAt } from './support/memoryMap.js';
import { wrappedKoffi } from './support/wrappedKoffi.js';

const MAP_SHARED = 1;
const MAP_PRIVATE = 2;

const native = await loadNative();
const skip = typeof native === 'string' && native;
const posix =
  skip ||
  (process.platform === 'win32' && 'files of Windows that are mapped cannot be replaced, and /proc is Linux');
const mappedFiles = new MappedFiles(native as Native);
const map = async (path: string) => (await mappedFiles.map(path))!;

test('the bytes of a file are there until it is released', { skip }, async (t) => {
  const path = join(temporaryDirectory(t), 'Gewichte für ü – 重み');
  const bytes = Uint8Array.from({ length: 5000 }, (_, i) => i % 251);
  writeFileSync(path, bytes);
  const file = await map(path);
  assert.deepEqual(new Uint8Array(file.buffer), bytes);
  mappedFiles.forget(new Uint8Array(file.buffer));
  assert.deepEqual(new Uint8Array(file.buffer), bytes);
  const address = (native as Native).addressOf(new Uint8Array(file.buffer));
  assert.equal(protectionAt(address), 'r--s');
  file.release();
  assert.equal(protectionAt(address), null);
});

test('a mapping holds exactly the file, stays after a replacement, and ends with release', {
  skip: posix,
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

test('what is no file with bytes in it is refused, without waiting', {
  skip: posix,
  timeout: 60_000,
}, async (t) => {
  const directory = temporaryDirectory(t);
  await assert.rejects(map(directory), oneLineError('file', /expected a file/));
  writeFileSync(join(directory, 'empty'), '');
  await assert.rejects(map(join(directory, 'empty')), oneLineError('file', /empty$/));
  execFileSync('mkfifo', [join(directory, 'pipe')]);
  await assert.rejects(map(join(directory, 'pipe')), oneLineError('file', /expected a file/));
  await assert.rejects(map(join(directory, 'none')), { code: 'ENOENT' });
  assert.equal(openFiles(directory), 0);
});

test('a file system without shared mappings has private ones; without any, that is told', {
  skip: posix,
}, async (t) => {
  const path = join(temporaryDirectory(t), 'weights');
  writeFileSync(path, 'weights');
  for (const [refused, protection] of [
    [[MAP_SHARED], 'r--p'],
    [[MAP_SHARED, MAP_PRIVATE], null],
  ] as const) {
    const koffi = wrappedKoffi({
      mmap: (real, ...args) => (refused.some((flags) => flags === args[3]) ? -1 : real(...args)),
    });
    const system = (await openNative(() => Promise.resolve(koffi))) as Native;
    const file = await new MappedFiles(system).map(path);
    assert.equal(file === null, protection === null);
    if (file === null) continue;
    assert.equal(Buffer.from(file.buffer).toString(), 'weights');
    assert.equal(protectionAt(system.addressOf(new Uint8Array(file.buffer))), protection);
    file.release();
  }
});

test('a mapped file that is written to or cut short is noticed; one that is replaced is not', {
  skip: posix,
}, async (t) => {
  const path = join(temporaryDirectory(t), 'weights');
  writeFileSync(path, 'weights');
  const files = new MappedFiles(native as Native);
  const first = (await files.map(path))!;
  files.checkUnchanged();
  writeFileSync(`${path}.new`, 'other weights');
  renameSync(`${path}.new`, path);
  files.checkUnchanged();
  first.release();
  const second = (await files.map(path))!;
  utimesSync(path, 1, 1);
  assert.throws(() => files.checkUnchanged(), oneLineError('file', /weights: the file was written to while/));
  truncateSync(path, 3);
  assert.throws(() => files.checkUnchanged(), oneLineError('file', /changed from 13 to 3 bytes while/));
  second.release();
  files.checkUnchanged();
});

test('where a look at files takes its time there is one now and then, not before every pass', {
  skip: posix,
}, async (t) => {
  const path = join(temporaryDirectory(t), 'weights');
  writeFileSync(path, 'weights');
  for (const lookAgainMs of [60_000, 0]) {
    const files = new MappedFiles({ ...(native as Native), lookAgainMs });
    const file = (await files.map(path))!;
    files.checkUnchanged();
    utimesSync(path, 1, 1 + lookAgainMs);
    if (lookAgainMs > 0) files.checkUnchanged();
    else assert.throws(() => files.checkUnchanged(), oneLineError('file', /was written to while/));
    file.release();
  }
});

test('Windows itself refuses to cut, replace or remove a file that is mapped, and lets it be renamed', {
  skip: skip || (process.platform !== 'win32' && 'Windows only'),
}, async (t) => {
  const path = join(temporaryDirectory(t), 'weights');
  writeFileSync(path, 'weights');
  writeFileSync(`${path}.new`, 'other weights');
  const file = await map(path);
  assert.throws(() => truncateSync(path, 3));
  assert.throws(() => writeFileSync(path, ''));
  assert.throws(() => renameSync(`${path}.new`, path));
  assert.throws(() => unlinkSync(path));
  renameSync(path, `${path}.old`);
  assert.equal(Buffer.from(file.buffer).toString(), 'weights');
  file.release();
  renameSync(`${path}.new`, `${path}.old`);
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

test('pages that are forgotten leave memory, and are there again when they are read', {
  skip: posix,
}, async (t) => {
  const path = join(temporaryDirectory(t), 'weights');
  const byteLength = 64 * 2 ** 20;
  writeFileSync(path, new Uint8Array(byteLength).fill(7));
  const file = await map(path);
  const before = residentMappedBytes();
  const bytes = new Uint8Array(file.buffer);
  assert.equal(bytes.indexOf(0), -1); // reads all of it
  const read = residentMappedBytes() - before;
  assert.ok(read > 0.9 * byteLength, `${read} bytes`);
  mappedFiles.forget(bytes.subarray(1000, byteLength - 1000));
  const kept = residentMappedBytes() - before;
  assert.ok(kept < 0.1 * byteLength, `${kept} bytes`);
  assert.equal(bytes.indexOf(0), -1);
  // Nothing else is touched: memory that is no file would lose what it holds.
  const own = new Uint8Array(2 ** 20).fill(3);
  mappedFiles.forget(own);
  assert.equal(own.indexOf(0), -1);
  file.release();
  mappedFiles.forget(bytes.subarray(0, 0));
});

/** Pages of mapped files that this process holds at the moment. */
function residentMappedBytes(): number {
  const [, kibibytes] = /^RssFile:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))!;
  return Number(kibibytes) * 1024;
}

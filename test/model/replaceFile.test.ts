import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileError } from '../../src/error.js';
import { type FileSystem, removeFile, replaceFile } from '../../src/model/replaceFile.js';

/** A file system that refuses so many times; what was done is written down. */
function systemRefusing(times: number, code: string, options: Partial<FileSystem> = {}) {
  const done: string[] = [];
  let waitedMs = 0;
  const act = (what: string): void => {
    if (done.push(what) <= times) throw Object.assign(new Error(`${code}: refused`), { code });
  };
  const system: FileSystem = {
    platform: 'win32',
    rename: (from, to) => act(`${from} → ${to}`),
    remove: (path) => act(`${path} → nothing`),
    isWritable: () => true,
    pause: (ms) => {
      waitedMs += ms;
    },
    ...options,
  };
  return { system, done, waited: () => waitedMs };
}

test('a file of Windows that is in use for a moment is replaced and removed when it is free', () => {
  for (const code of ['EPERM', 'EACCES', 'EBUSY', 'UNKNOWN']) {
    const { system, done, waited } = systemRefusing(2, code);
    replaceFile('new', 'old', system);
    assert.deepEqual(done, ['new → old', 'new → old', 'new → old']);
    assert.ok(waited() > 0);
    removeFile('old', system);
    assert.equal(done.at(-1), 'old → nothing');
  }
});

test('one that stays in use is given up within a second or so, and that is said', () => {
  const { system, waited } = systemRefusing(Number.POSITIVE_INFINITY, 'EPERM');
  for (const call of [() => replaceFile('new', 'old', system), () => removeFile('old', system)]) {
    assert.throws(call, (cause) => {
      assert.match(fileError('old', cause).message, /^old: it is in use \(by another program, or by a model/);
      return true;
    });
  }
  assert.ok(waited() <= 2 * 1200, `${waited()} ms`);
});

test('what is no matter of use is thrown at once: other errors, files that may not be written to, other systems', () => {
  for (const [code, options] of [
    ['ENOSPC', {}],
    ['EPERM', { isWritable: () => false }],
    ['EPERM', { platform: 'linux' }],
  ] as const) {
    const { system, done } = systemRefusing(1, code, options);
    assert.throws(() => replaceFile('new', 'old', system), { code });
    assert.equal(done.length, 1);
  }
});

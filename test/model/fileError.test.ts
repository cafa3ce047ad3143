import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileError, QwenAsrError } from '../../src/error.js';
import { makeOutputFolder } from '../../src/model/writeWhole.js';

const scratch = mkdtempSync(join(tmpdir(), 'qwen-asr-files-'));
after(() => rmSync(scratch, { recursive: true }));
const file = join(scratch, 'file');
writeFileSync(file, '');

/** The line about whatever a call to the file system throws. */
function lineOf(call: () => unknown): string {
  try {
    call();
  } catch (cause) {
    return fileError('x', cause).message;
  }
  return assert.fail('nothing was thrown');
}

test('the reasons of the system are put into words', () => {
  assert.equal(
    lineOf(() => readFileSync(join(scratch, 'absent'))),
    'x: no such file or directory',
  );
  assert.equal(
    lineOf(() => mkdirSync(file)),
    'x: expected a directory, found a file',
  );
  assert.equal(
    lineOf(() => readFileSync(join(file, 'below'))),
    'x: part of the path is not a directory',
  );
  assert.equal(
    lineOf(() => readFileSync(scratch)),
    'x: expected a file, found a directory',
  );
  assert.equal(
    lineOf(() => readFileSync('a\0b')),
    'x: expected a path, found one with a zero character',
  );
});

test('what has no words keeps the reason, without the call and the path', () => {
  const cause = Object.assign(new Error("EXDEV: cross-device link not permitted, rename 'a' -> 'b'"), {
    code: 'EXDEV',
  });
  assert.equal(fileError('x', cause).message, 'x: cannot be used: cross-device link not permitted');
  assert.equal(fileError('x', new Error('gone')).message, 'x: cannot be used: gone');
});

test('errors of this project pass through', () => {
  const own = new QwenAsrError('audio', 'y: broken');
  assert.equal(fileError('x', own), own);
});

test('folders are made with those above them; what is there already is left', () => {
  const deep = join(scratch, 'a', 'b', 'c');
  makeOutputFolder(deep);
  makeOutputFolder(deep);
  writeFileSync(join(deep, 'file'), '');
  assert.throws(() => makeOutputFolder(file), {
    code: 'file',
    message: `${file}: expected a directory, found a file`,
  });
});

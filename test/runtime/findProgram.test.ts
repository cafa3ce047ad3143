import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { findProgram } from '../../src/runtime/findProgram.js';
import { temporaryDirectory } from '../model/support/temporaryDirectory.js';

/** A search on Windows, where these files exist. */
const onWindows = (env: Record<string, string>, ...files: string[]) =>
  findProgram('ffmpeg', { platform: 'win32', env, isProgram: (path) => files.includes(path) });

test('Windows: folders of the PATH in their order, extensions of PATHEXT, and never the working directory', () => {
  const inTools = 'C:\\Program Files\\ffmpeg\\bin\\ffmpeg.exe';
  const Path = 'C:\\Windows;;.;"C:\\Program Files\\ffmpeg\\bin"; D:\\Jürgen\\bin ';
  assert.equal(onWindows({ Path }, inTools, 'D:\\Jürgen\\bin\\ffmpeg.exe'), inTools);
  assert.equal(onWindows({ Path }, 'D:\\Jürgen\\bin\\ffmpeg.exe'), 'D:\\Jürgen\\bin\\ffmpeg.exe');
  for (const own of [
    'ffmpeg.exe',
    '.\\ffmpeg.exe',
    'ffmpeg',
    'C:\\Windows\\ffmpeg',
    'C:\\Windows\\ffmpeg.cmd',
  ]) {
    assert.equal(onWindows({ Path, PATHEXT: '.COM;.EXE;.BAT;.CMD' }, own), null, own);
  }
  const both = ['C:\\Windows\\ffmpeg.exe', 'C:\\Windows\\ffmpeg.com'];
  assert.equal(onWindows({ PATH: 'C:\\Windows', PATHEXT: '.EXE;.COM' }, ...both), both[0]);
  assert.equal(onWindows({ PATH: 'C:\\Windows', pathext: '.com;.exe' }, ...both), both[1]);
  assert.equal(onWindows({}, ...both), null);
});

test('elsewhere: files that may be executed, by their own name', {
  skip: process.platform === 'win32' && 'modes of files are not those of Windows',
}, (t) => {
  const folder = temporaryDirectory(t);
  const [first, second, third] = ['a', 'b', 'c'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  for (const place of [first, second, third]) mkdirSync(place);
  mkdirSync(join(first, 'sox'));
  writeFileSync(join(second, 'sox'), '');
  writeFileSync(join(third, 'sox'), '');
  chmodSync(join(third, 'sox'), 0o755);
  const env = { PATH: [first, second, third].join(':') };
  assert.equal(findProgram('sox', { env }), join(third, 'sox'));
  assert.equal(findProgram('rec', { env }), null);
});

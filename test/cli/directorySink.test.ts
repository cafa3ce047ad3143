import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, win32 } from 'node:path';
import { after, test } from 'node:test';
import { directorySink } from '../../src/cli/openSink.js';
import { outputPaths } from '../../src/cli/outputPaths.js';
import { oneLineError } from '../model/support/oneLineError.js';
import { recordingOf, segmentSaying } from '../transcribe/formats/support.js';

const scratch = mkdtempSync(join(tmpdir(), 'qwen-asr-sink-'));
after(() => rmSync(scratch, { recursive: true }));

const recording = (name: string, input = name) => ({ input, name });
const namesOf = (...names: string[]) => [
  ...outputPaths(
    names.map((name) => recording(name)),
    'out',
    'srt',
  ).values(),
];

test('the extension is replaced, unless that would make two recordings one file', () => {
  assert.deepEqual(
    namesOf('a.wav', 'b.c.mp3', 'noextension'),
    ['a.srt', 'b.c.srt', 'noextension.srt'].map((name) => join('out', name)),
  );
  assert.deepEqual(
    namesOf('a.wav', 'a.mp3', 'b.mp3'),
    ['a.wav.srt', 'a.mp3.srt', 'b.srt'].map((name) => join('out', name)),
  );
  assert.deepEqual(namesOf('x/a.wav', 'y/a.wav'), [join('out', 'x/a.srt'), join('out', 'y/a.srt')]);
});

test('recordings of one name are told apart by as few of their folders as suffice', () => {
  const pathsOf = (...inputs: string[]) => [
    ...outputPaths(
      inputs.map((input) => recording(basename(input), input)),
      'out',
      'txt',
    ).values(),
  ];
  assert.deepEqual(pathsOf('x/a.wav', '../y/a.wav', 'b.wav'), [
    join('out', 'x', 'a.txt'),
    join('out', 'y', 'a.txt'),
    join('out', 'b.txt'),
  ]);
  assert.deepEqual(pathsOf('/x/z/a.wav', '/y/z/a.wav', '/a.wav', '/x/z/a.mp3'), [
    join('out', 'x', 'z', 'a.txt'),
    join('out', 'y', 'z', 'a.txt'),
    join('out', 'a.wav.txt'),
    join('out', 'a.mp3.txt'),
  ]);
});

test('a recording that is given twice has one file', () => {
  const twice = [recording('a.wav', 'x/a.wav'), recording('a.wav', './x/../x/a.wav')];
  const file = join('out', 'a.txt');
  assert.deepEqual([...outputPaths(twice, 'out', 'txt').values()], [file, file]);
});

test('two recordings of the same file are refused, and both are named', () => {
  const inputs = [
    recording('a.wav', 'x/a.wav'),
    recording('a.wav', 'y/a.wav'),
    recording('y/a.wav', 'b/y/a.wav'),
  ];
  assert.throws(() => outputPaths(inputs, 'out', 'txt'), oneLineError('usage', /y\/a\.wav.*b\/y\/a\.wav/));
});

/** What `outputPaths` gives on Windows, for recordings in their folders. */
const windowsPaths = (directory: string | undefined, ...inputs: string[]) => [
  ...outputPaths(
    inputs.map((input) => recording(win32.basename(input), input)),
    directory,
    'srt',
    'win32',
  ).values(),
];

test('names that Windows forbids are written as it takes them', () => {
  assert.deepEqual(windowsPaths('out', 'C:\\t\\con.wav', 'C:\\t\\talk?.wav', '\\\\?\\C:\\t\\end .mp3'), [
    'out\\con_.srt',
    'out\\talk_.srt',
    'out\\end .srt',
  ]);
  assert.deepEqual(
    windowsPaths('D:\\out', '\\\\?\\C:\\t\\a:b.wav', '/share/a|b.wav', 'x/aux.mp3', 'x/aux.wav'),
    ['D:\\out\\t\\a_b.srt', 'D:\\out\\share\\a_b.srt', 'D:\\out\\aux_.mp3.srt', 'D:\\out\\aux_.wav.srt'],
  );
  assert.deepEqual(windowsPaths(undefined, 'C:\\t\\nul.wav', '\\\\nas\\talks\\a.wav'), [
    'C:\\t\\nul_.srt',
    '\\\\nas\\talks\\a.srt',
  ]);
});

test('on Windows names of other letter case are the same, and drives tell recordings apart', () => {
  assert.deepEqual(windowsPaths('out', 'C:\\t\\A.wav', 'C:\\t\\a.mp3'), ['out\\A.wav.srt', 'out\\a.mp3.srt']);
  assert.deepEqual(windowsPaths('out', 'C:\\Mo\\A.wav', 'C:\\Tu\\a.wav'), [
    'out\\Mo\\A.srt',
    'out\\Tu\\a.srt',
  ]);
  assert.deepEqual(windowsPaths('out', 'C:\\a.wav', 'D:\\a.wav'), ['out\\C_\\a.srt', 'out\\D_\\a.srt']);
  assert.deepEqual(windowsPaths('out', 'C:\\t\\a.wav', 'c:\\T\\A.WAV'), ['out\\a.srt', 'out\\A.srt']);
});

test('a result is written whole, with the folders above it, and over an older one', () => {
  const written: string[] = [];
  const a = recording('deep/down/a.wav');
  const directory = join(scratch, 'out');
  const open = () =>
    directorySink([a], {
      directory,
      formats: ['vtt'],
      context: { logProbabilities: false },
      onFile: (path) => written.push(path),
    });
  for (const text of ['One.', 'Two.']) {
    const segment = segmentSaying(text);
    const sink = open();
    sink.segment(a, segment);
    sink.finish(a, recordingOf([segment]));
    sink.close();
  }
  const path = join(directory, 'deep', 'down', 'a.vtt');
  assert.deepEqual(written, [path, path]);
  assert.equal(readFileSync(path, 'utf8'), 'WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nTwo.\n\n');
  assert.deepEqual(readdirSync(join(directory, 'deep', 'down')), ['a.vtt']);
});

test('what cannot be written is an error of one line that leaves nothing behind', () => {
  const file = join(scratch, 'file');
  writeFileSync(file, '');
  const a = recording('a.wav');
  const sink = directorySink([a], {
    directory: join(file, 'below'),
    formats: ['txt'],
    context: { logProbabilities: false },
    onFile: () => assert.fail('written'),
  });
  assert.throws(
    () => sink.finish(a, recordingOf([segmentSaying('One.')])),
    oneLineError('file', /below: part of the path is not a directory/),
  );
  assert.equal(existsSync(join(file, 'below')), false);
});

import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { findInputs } from '../../src/cli/inputRecordings.js';

const scratch = mkdtempSync(join(tmpdir(), 'qwen-asr-inputs-'));
after(() => rmSync(scratch, { recursive: true }));

for (const path of [
  'b.WAV',
  'a.mp3',
  'notes.txt',
  '.hidden.wav',
  'deep/c.opus',
  '.git/d.wav',
  'named.data',
]) {
  const file = join(scratch, 'recordings', path);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, '');
}
mkdirSync(join(scratch, 'empty'));

const recordings = join(scratch, 'recordings');

test('a directory stands for the recordings below it, in the order of their names', async () => {
  const { recordings: found, failures, several } = await findInputs([recordings]);
  assert.deepEqual(
    found.map(({ name }) => name),
    ['a.mp3', 'b.WAV', join('deep', 'c.opus')],
  );
  assert.deepEqual(
    found.map(({ input }) => input),
    ['a.mp3', 'b.WAV', 'deep/c.opus'].map((name) => join(recordings, name)),
  );
  assert.deepEqual([failures, several], [[], true]);
});

test('a file that is named itself may have any name; order is that of the arguments', async () => {
  const file = join(recordings, 'named.data');
  const { recordings: found, several } = await findInputs([file, '-']);
  assert.deepEqual(found, [
    { input: file, name: 'named.data' },
    { input: '-', name: 'standard-input' },
  ]);
  assert.equal(several, true);
  assert.equal((await findInputs([file])).several, false);
});

test('what is missing or empty fails by itself', async () => {
  const [missing, empty] = [join(scratch, 'no.wav'), join(scratch, 'empty')];
  const { recordings: found, failures } = await findInputs([missing, recordings, empty]);
  assert.equal(found.length, 3);
  assert.deepEqual(
    failures.map(({ input, error }) => [input, error.code, error.message]),
    [
      [missing, 'file', `${missing}: no such file or directory`],
      [empty, 'file', `${empty}: no recordings in this directory`],
    ],
  );
});

test('a folder that cannot be read fails by itself, and the rest of its directory is found', {
  skip: process.getuid?.() === 0 && 'root may read everything',
}, async () => {
  const directory = join(scratch, 'partly');
  mkdirSync(join(directory, 'locked'), { recursive: true });
  writeFileSync(join(directory, 'a.wav'), '');
  chmodSync(join(directory, 'locked'), 0);
  const { recordings: found, failures } = await findInputs([directory]);
  chmodSync(join(directory, 'locked'), 0o700);
  assert.deepEqual(
    found.map(({ name }) => name),
    ['a.wav'],
  );
  assert.deepEqual(
    failures.map(({ error }) => error.message),
    [`${join(directory, 'locked')}: permission denied`],
  );
});

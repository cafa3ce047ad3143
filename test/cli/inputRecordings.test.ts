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

/** Every kind of file that phones, cameras, recorders, broadcasters and web pages write sound into. */
const MEDIA = [
  ...[
    'wav',
    'bwf',
    'rf64',
    'w64',
    'aiff',
    'aifc',
    'caf',
    'au',
    'flac',
    'mp1',
    'mp2',
    'mp3',
    'mpga',
    'ogg',
    'oga',
    'opus',
  ],
  ...[
    'spx',
    'm4a',
    'm4b',
    'aac',
    'adts',
    'ac3',
    'eac3',
    'dts',
    'mka',
    'weba',
    'wma',
    'asf',
    'ra',
    'rm',
    'amr',
    'awb',
  ],
  ...[
    'ape',
    'wv',
    'tak',
    'tta',
    'mpc',
    'gsm',
    'voc',
    'sph',
    'dss',
    'dsf',
    'oma',
    'mp4',
    'm4v',
    'mov',
    'webm',
    'mkv',
  ],
  ...[
    'avi',
    'wmv',
    'flv',
    'f4v',
    'mpg',
    'mpeg',
    'vob',
    'm2t',
    'm2ts',
    '3gp',
    '3g2',
    'ogv',
    'ogm',
    'mxf',
    'M4V',
    'Ts',
  ],
];

test('a directory passes over no kind of media, and takes no program source for one', async () => {
  const directory = join(scratch, 'media');
  mkdirSync(directory);
  const packet = (before: number) => {
    const bytes = Buffer.alloc(2 * (188 + before));
    for (const start of [before, 188 + 2 * before]) bytes[start] = 0x47;
    return bytes;
  };
  for (const extension of MEDIA) writeFileSync(join(directory, `clip.${extension}`), packet(0));
  writeFileSync(join(directory, 'camera.mts'), packet(4));
  writeFileSync(join(directory, 'camera.mod'), Buffer.from([0, 0, 1, 0xba, 0x44]));
  writeFileSync(join(directory, 'source.ts'), "import { open } from 'node:fs';\n".repeat(20));
  writeFileSync(join(directory, 'source.mts'), 'G'.repeat(100));
  writeFileSync(join(directory, 'go.mod'), 'module example.com/clip\n');
  for (const name of ['text.txt', 'cover.jpg', 'list.m3u8', 'page.html', 'clip.srt', 'noextension']) {
    writeFileSync(join(directory, name), '');
  }
  const { recordings: found } = await findInputs([directory]);
  const expected = [...MEDIA.map((extension) => `clip.${extension}`), 'camera.mts', 'camera.mod'];
  assert.deepEqual(found.map(({ name }) => name).sort(), expected.sort());
});

/** Latin-1 names: "caf\xe9.wav", which is no UTF-8, and another that Node decodes to the same text. */
const [CAFE, CAFF] = [Buffer.from('caf\xe9.wav', 'latin1'), Buffer.from('caf\xe8.wav', 'latin1')];

test('names that are not UTF-8 stay apart, below a directory and as arguments', {
  skip: process.platform !== 'linux' && 'other systems have no such names',
}, async () => {
  const directory = join(scratch, 'latin1');
  mkdirSync(directory);
  const path = (name: Buffer) => Buffer.concat([Buffer.from(`${directory}/`), name]);
  for (const name of [CAFE, CAFF]) writeFileSync(path(name), '');
  const expected = [
    { input: join(directory, 'caf\\xe8.wav'), name: 'caf\\xe8.wav', bytes: path(CAFF) },
    { input: join(directory, 'caf\\xe9.wav'), name: 'caf\\xe9.wav', bytes: path(CAFE) },
  ];
  assert.deepEqual((await findInputs([directory])).recordings, expected);
  const argument = path(CAFE).toString(); // what Node makes of either
  assert.deepEqual((await findInputs([argument, argument])).recordings, expected);
  const { failures } = await findInputs([join(directory, 'caf\ufffd.mp3')]);
  assert.equal(failures.length, 1);
});

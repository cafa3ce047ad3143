import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { decodeAudio } from '../../src/audio/decodeAudio.js';
import { openAudio } from '../../src/audio/openAudio.js';
import { readWav } from '../../src/audio/wavDecoder.js';
import { ascii, little } from '../support/wavWriter.js';
import { type ClipOptions, voiceWav } from './support/clips.js';
import { decodeAll, joined } from './support/decodeAll.js';
import { convert, ENCODE, skipWithout } from './support/encoders.js';
import { repairOgg } from './support/mutations.js';

const skip = skipWithout('lame', 'flac', 'oggenc', 'opusenc', 'ffmpeg');

const folder = mkdtempSync(join(tmpdir(), 'qwen-asr-joined-'));
after(() => rmSync(folder, { recursive: true }));

const CLIPS: readonly ClipOptions[] = [
  { seconds: 1.2 },
  { seconds: 0.9, sampleRateHz: 44_100, channels: 2 },
  { seconds: 1.1, sampleRateHz: 8000 },
  { seconds: 0.7, sampleRateHz: 44_100, channels: 1 },
];

const concatenate = (...files: readonly Uint8Array[]) => new Uint8Array(Buffer.concat(files));

/** An ID3 tag with something like a picture in it, as players put in front of files of any kind. */
const TAG = Uint8Array.from([...ascii('ID3'), 4, 0, 0, 0, 0, 8, 0, ...new Array<number>(1024).fill(0xff)]);

/** Tags that are put behind the sound, in the order in which they stand: APE, with header, picture and footer, and ID3v1. */
const apePart = (flags: number) => [
  ...ascii('APETAGEX'),
  ...[2000, 3032, 1, flags].flatMap((word) => little(word, 4)),
  ...new Array<number>(8).fill(0),
];
const TAGS_BEHIND = Uint8Array.from([
  ...apePart(0xa000_0000),
  ...new Array<number>(3000).fill(0xfa),
  ...apePart(0x8000_0000),
  ...ascii('TAG'),
  ...new Array<number>(125).fill(0x20),
]);

/** Where the pages of an Ogg file begin. */
function pagesOf(file: Uint8Array): number[] {
  const starts: number[] = [];
  for (let at = 0; at < file.length; ) {
    starts.push(at);
    const segments = file.subarray(at + 27, at + 27 + file[at + 26]!);
    at += 27 + segments.length + segments.reduce((sum, length) => sum + length, 0);
  }
  return starts;
}

/** A file whose last page does not say that it is the last. */
function withoutEnd(file: Uint8Array): Uint8Array {
  const open = file.slice();
  open[pagesOf(open).at(-1)! + 5]! &= ~4;
  repairOgg(open);
  return open;
}

describe('files that were joined are heard one after the other, whatever they are like', { skip }, () => {
  for (const format of ['mp3', 'flac', 'vorbis', 'opus'] as const) {
    const files = skip === false ? CLIPS.map((clip) => ENCODE[format](voiceWav(clip))) : [];

    test(`${format}: other rates and channels`, async () => {
      for (const between of [new Uint8Array(0), TAG]) {
        const all = concatenate(...files.flatMap((file, i) => (i === 0 ? [file] : [between, file])));
        const { samples, parts, notes } = await decodeAll(all, 'clip');
        const alone = await Promise.all(files.map((file) => decodeAll(file)));
        assert.deepEqual(samples, joined(alone.map((one) => one.samples)));
        const isOgg = format === 'vorbis' || format === 'opus';
        // Ogg has no place for such tags, so that they are noted there.
        if (between.length === 0 || !isOgg) assert.deepEqual(notes, []);
        else assert.deepEqual(notes, ['clip: 3 damaged places left out']);
        const rates = alone
          .map(({ sampleRateHz }) => sampleRateHz)
          .filter((rate, i, all) => rate !== all[i - 1]);
        assert.deepEqual(
          parts.map(({ sampleRateHz }) => sampleRateHz),
          rates,
        );
      }
    });

    test(`${format}: as a stream at 16 kHz, and as a whole`, async () => {
      const path = join(folder, format);
      writeFileSync(path, concatenate(...files));
      const stream = await openAudio(path);
      const blocks: Float32Array[] = [];
      for await (const block of stream) blocks.push(block);
      await stream.close();
      const whole = await decodeAudio(concatenate(...files), 'clip');
      assert.deepEqual(joined(blocks), whole.samples);
      assert.equal(stream.sampleCount, whole.samples.length);
      assert.equal(stream.durationMs, whole.durationMs);
      const alone = await Promise.all(files.map((file) => decodeAudio(file, 'clip')));
      const expectedMs = alone.reduce((sum, { durationMs }) => sum + durationMs, 0);
      assert.ok(Math.abs(whole.durationMs - expectedMs) < 1e-6);
      if (format !== 'opus') assert.deepEqual(whole.samples, joined(alone.map(({ samples }) => samples)));
    });
  }

  for (const format of ['mp3', 'flac'] as const) {
    test(`${format}: tags behind the sound are no damage, and nothing that was not heard`, async () => {
      const [a, b] = CLIPS.slice(0, 2).map((clip) => ENCODE[format](voiceWav(clip)));
      const tagged = await decodeAll(concatenate(a!, TAGS_BEHIND, b!, TAGS_BEHIND));
      const plain = await decodeAll(concatenate(a!, b!));
      assert.deepEqual(tagged.samples, plain.samples);
      assert.deepEqual(tagged.notes, []);
    });
  }

  test('FLAC frames of another rate, sample size and number of channels, without a header of their own', async () => {
    const clips = [
      voiceWav({ seconds: 0.5 }),
      voiceWav({ seconds: 0.5, sampleRateHz: 44_100, channels: 2, bits: 24 }),
      voiceWav({ seconds: 0.5, sampleRateHz: 8000, channels: 3, bits: 8 }),
    ];
    const encode = (wav: Uint8Array) =>
      convert(wav, 'flac', ['--silent', '--no-padding', '--channel-map=none', '-o', '{output}', '{input}']);
    const files = clips.map(encode);
    const frames = files.map((file) => file.subarray(firstFrame(file)));
    const { samples } = await decodeAll(concatenate(files[0]!, frames[1]!, frames[2]!));
    assert.deepEqual(samples, joined(clips.map((wav) => readWav(wav, 'clip').samples)));
  });

  test('FLAC whose second stream is cut short', async () => {
    const [a, b] = CLIPS.slice(0, 2).map((clip) => ENCODE.flac(voiceWav(clip)));
    const { notes } = await decodeAll(concatenate(a!, b!.subarray(0, b!.length * 0.7)), 'clip.flac');
    assert.match(notes.join('|'), /^clip\.flac: 1\.[5-9] s of 2\.1 s are there$/);
  });

  test('MP3 whose first file is cut short', async () => {
    const [a, b] = CLIPS.slice(0, 2).map((clip) => ENCODE.mp3(voiceWav(clip)));
    const { notes, parts } = await decodeAll(concatenate(a!.subarray(0, a!.length * 0.7), b!), 'clip.mp3');
    assert.equal(parts.length, 2);
    assert.match(notes.at(-1)!, /^clip\.mp3: 1\.[5-9] s of 2\.1 s are there$/);
  });

  test('what follows a recording and is none is named with its place', async () => {
    const other = Uint8Array.from({ length: 5000 }, (_, i) => 1 + ((i * 7) % 90));
    for (const [format, kind] of [
      ['mp3', 'MP3'],
      ['flac', 'FLAC'],
    ] as const) {
      const { notes } = await decodeAll(
        concatenate(ENCODE[format](voiceWav({ seconds: 1.5 })), other),
        'clip',
      );
      assert.deepEqual(notes, [`clip: from 1.50 s on, 5000 bytes are no ${kind} and were not heard`]);
    }
  });
});

/** Where the metadata of a FLAC file ends. */
function firstFrame(file: Uint8Array): number {
  let at = 4;
  for (let last = false; !last; ) {
    last = (file[at]! & 0x80) !== 0;
    at += 4 + file[at + 1]! * 65_536 + file[at + 2]! * 256 + file[at + 3]!;
  }
  return at;
}

describe('chains of Ogg streams', { skip }, () => {
  for (const format of ['vorbis', 'opus'] as const) {
    const [first, second] =
      skip === false ? CLIPS.slice(0, 2).map((clip) => ENCODE[format](voiceWav(clip))) : [];

    test(`${format}: a first stream that nobody ended`, async () => {
      const { samples, notes } = await decodeAll(concatenate(withoutEnd(first!), second!), 'clip');
      const [a, b] = [await decodeAll(first!), await decodeAll(second!)];
      const added = samples.length - a.samples.length - b.samples.length;
      assert.ok(added >= 0 && added < 4096, `${added}`); // its last packet is heard to its end
      assert.deepEqual(samples.subarray(0, a.samples.length), a.samples);
      assert.deepEqual(samples.subarray(samples.length - b.samples.length), b.samples);
      assert.deepEqual(notes, []);
    });

    test(`${format}: a first stream that is cut, anywhere`, async () => {
      const b = await decodeAll(second!);
      for (const at of [...pagesOf(first!).slice(1), first!.length - 100, 40]) {
        const { samples, notes } = await decodeAll(concatenate(first!.subarray(0, at), second!), 'clip');
        assert.deepEqual(samples.subarray(samples.length - b.samples.length), b.samples, `cut at ${at}`);
        const isBetweenPages = pagesOf(first!).includes(at);
        assert.deepEqual(notes, isBetweenPages ? [] : ['clip: a damaged place left out']);
      }
    });

    test(`${format}: a second stream whose beginning is missing`, async () => {
      const beheaded = second!.subarray(pagesOf(second!)[1]);
      const { samples, notes } = await decodeAll(concatenate(first!, beheaded), 'clip');
      assert.deepEqual(samples, (await decodeAll(first!)).samples);
      assert.equal(notes.length, 1);
      assert.match(notes[0]!, /^clip: from 1\.20 s on, \d{4,} bytes were not heard: their stream is neither/);
    });

    test(`${format}: an empty packet at the end is no damage`, async () => {
      const file = withoutEnd(first!);
      const last = pagesOf(file).at(-1)!;
      const page = Uint8Array.from([...file.subarray(last, last + 26), 1, 0]);
      page[5] = 4;
      new DataView(page.buffer).setUint32(18, pagesOf(file).length, true); // pages are numbered from 0
      const whole = concatenate(file, page);
      repairOgg(whole);
      const { samples, notes } = await decodeAll(whole);
      assert.deepEqual(notes, []);
      assert.ok(samples.length >= (await decodeAll(first!)).samples.length);
    });
  }

  test('Vorbis behind Opus, and Opus behind Vorbis', async () => {
    const [vorbis, opus] = [ENCODE.vorbis(voiceWav()), ENCODE.opus(voiceWav())];
    const [v, o] = [await decodeAll(vorbis), await decodeAll(opus)];
    const { samples, parts } = await decodeAll(concatenate(opus, vorbis));
    assert.deepEqual(samples, joined([o.samples, v.samples]));
    assert.deepEqual(parts, [...o.parts, ...v.parts]);
    assert.deepEqual((await decodeAll(concatenate(vorbis, opus))).samples, joined([v.samples, o.samples]));
  });

  test('a stream of another codec is named with its place', async () => {
    const args = ['-v', 'error', '-i', '{input}', '-c:a', 'flac', '-f', 'ogg', '-y', '{output}'];
    const other = convert(voiceWav(), 'ffmpeg', args);
    const { samples, notes } = await decodeAll(concatenate(ENCODE.vorbis(voiceWav()), other), 'clip');
    assert.equal(samples.length, 16_000);
    assert.equal(notes.length, 1);
    assert.match(notes[0]!, /^clip: from 1\.00 s on, \d{4,} bytes were not heard: their stream is neither/);
  });

  test('a later stream with damaged headers is left out and named, and what came before is kept', async () => {
    const broken = ENCODE.vorbis(voiceWav());
    broken.fill(0x55, pagesOf(broken)[1]! + 100, pagesOf(broken)[1]! + 1500);
    repairOgg(broken);
    const { samples, notes } = await decodeAll(concatenate(ENCODE.vorbis(voiceWav()), broken), 'clip');
    assert.equal(samples.length, 16_000);
    assert.match(
      notes[0]!,
      /^clip: from 1\.00 s on, a part was not heard: expected Ogg Vorbis, found a damaged/,
    );
  });
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ByteSearch } from '../../src/audio/riffChunk.js';
import { findWav, parseWavHeader } from '../../src/audio/wavHeader.js';
import { ascii, ds64Chunk, fmtChunk, little, type WavChunk, wavFile } from '../support/wavWriter.js';

const samples = [1, 2, 3, 4, 5, 6, 7, 8];
const data: WavChunk = { id: 'data', body: samples };
const fmt = fmtChunk();

/** The bytes that the header says are samples. */
function dataOf(file: Uint8Array): number[] {
  const { dataOffset, dataBytes } = parseWavHeader(file, 'clip.wav');
  return [...file.subarray(dataOffset, dataOffset + dataBytes)];
}

/** Runs a search in a file of which there is the beginning; the rest is zeros, but for a chunk name where it looks for one. */
function drive<T>(search: ByteSearch<T>, beginning: Uint8Array): T {
  let step = search.next();
  while (step.done !== true) {
    const { at, length } = step.value;
    const isBehind = at >= beginning.length;
    const bytes = isBehind ? [...ascii('JUNK'), ...little(492, 4)] : beginning.subarray(at, at + length);
    step = search.next(Uint8Array.from(bytes));
  }
  return step.value;
}

function expectError(file: Uint8Array, message: string): void {
  const expected = { name: 'QwenAsrError', code: 'audio', message: `clip.wav: ${message}` };
  assert.throws(() => parseWavHeader(file, 'clip.wav'), expected);
}

describe('where the samples are', () => {
  test('a plain file', () => {
    const header = parseWavHeader(wavFile([fmt, data]), 'clip.wav');
    assert.deepEqual(header, {
      encoding: 'pcm',
      littleEndian: true,
      bitsPerSample: 16,
      channels: 1,
      sampleRateHz: 16000,
      frameBytes: 2,
      dataOffset: 44,
      dataBytes: 8,
      claimedBytes: 8,
      unread: { seconds: 0, bytes: 0 },
    });
  });

  test('chunks before, between and after, of even and odd sizes', () => {
    const note = (size: number): WavChunk => ({ id: 'LIST', body: new Array<number>(size).fill(0x41) });
    for (const size of [0, 1, 2, 7, 300, 301]) {
      assert.deepEqual(dataOf(wavFile([note(size), fmt, note(size), data, note(size)])), samples);
    }
  });

  test('a chunk whose pad byte was forgotten', () => {
    const odd: WavChunk = { id: 'bext', body: [65, 66, 67], padded: false };
    assert.deepEqual(dataOf(wavFile([odd, fmt, odd, data])), samples);
    const fmtOf17: WavChunk = { ...fmt, body: [...fmt.body, 0], padded: false };
    assert.deepEqual(dataOf(wavFile([fmtOf17, data])), samples);
  });

  test('a data chunk in front of the fmt chunk', () => {
    assert.deepEqual(dataOf(wavFile([data, fmt])), samples);
  });

  test('the first of several data chunks', () => {
    assert.deepEqual(dataOf(wavFile([fmt, data, { id: 'data', body: [9, 9] }])), samples);
  });

  test('a recording cut short: the whole frames that are there', () => {
    for (let present = 2; present <= 8; present++) {
      const cut: WavChunk = { id: 'data', body: samples.slice(0, present), statedSize: 1000, padded: false };
      assert.deepEqual(dataOf(wavFile([fmt, cut])), samples.slice(0, present - (present % 2)));
    }
  });

  test('a streaming writer: sizes 0 and 0xFFFFFFFF take what is there', () => {
    for (const statedSize of [0, 0xffffffff, 0x7ffff000]) {
      for (const riffSize of [0, 36, 0xffffffff, undefined]) {
        assert.deepEqual(dataOf(wavFile([fmt, { ...data, statedSize }], 'RIFF', riffSize)), samples);
      }
    }
  });

  test('RF64 and BW64 with the size in ds64', () => {
    const unknown: WavChunk = { ...data, statedSize: 0xffffffff };
    const trailer: WavChunk = { id: 'LIST', body: [1, 2, 3, 4] };
    for (const magic of ['RF64', 'BW64']) {
      assert.deepEqual(dataOf(wavFile([ds64Chunk(8n), fmt, unknown, trailer], magic, 0xffffffff)), samples);
      assert.deepEqual(dataOf(wavFile([ds64Chunk(5_000_000_000n), fmt, unknown], magic)), samples);
      assert.deepEqual(dataOf(wavFile([ds64Chunk(2n ** 64n - 1n), fmt, unknown], magic)), samples);
      assert.deepEqual(dataOf(wavFile([ds64Chunk(0n), fmt, unknown], magic)), samples);
      assert.deepEqual(dataOf(wavFile([fmt, unknown], magic)), samples);
    }
  });

  test('of a long file only what is asked for is read', () => {
    const file = wavFile([fmt, { ...data, statedSize: 6_000_001 }]);
    const header = drive(findWav(5_000_001, 'clip.wav'), file);
    assert.ok(!('foreign' in header));
    assert.equal(header.dataOffset, 44);
    assert.equal(header.dataBytes, 5_000_001 - 44 - 1);
  });

  test('a size that wrapped at 4 GiB, once or twice', () => {
    for (const wraps of [1, 2]) {
      const dataBytes = wraps * 2 ** 32 + 1000;
      const file = wavFile([fmt, { ...data, statedSize: 1000 }]);
      for (const trailer of [0, 500]) {
        const header = drive(findWav(44 + dataBytes + trailer, 'clip.wav'), file);
        assert.ok(!('foreign' in header));
        assert.equal(header.dataBytes - dataBytes, 0);
      }
    }
  });

  test('what the file says it holds, where it can be believed', () => {
    const claimed = (statedSize: number) =>
      parseWavHeader(wavFile([fmt, { ...data, statedSize }]), 'clip.wav').claimedBytes;
    assert.equal(claimed(1000), 1000);
    for (const placeholder of [0, 0x7ffff000, 0x7fffffff, 0xffffffff])
      assert.equal(claimed(placeholder), null);
  });

  test('a view into a larger buffer', () => {
    const file = wavFile([fmt, data]);
    const larger = Uint8Array.from([1, 2, 3, ...file, 4, 5, 6]);
    assert.deepEqual(dataOf(larger.subarray(3, 3 + file.length)), samples);
  });
});

describe('what is refused', () => {
  test('other files', () => {
    const magic = 'expected a WAV file (RIFF, RIFX, RF64 or BW64 of type "WAVE"), found';
    expectError(new Uint8Array(0), 'expected a WAV file, found an empty one');
    expectError(Uint8Array.from([...ascii('OggS'), ...samples]), `${magic} "OggS"`);
    expectError(Uint8Array.from([...ascii('ID3'), 3, ...samples]), `${magic} "ID3\\x03"`);
    expectError(Uint8Array.from(ascii('RI')), `${magic} "RI"`);
    expectError(
      Uint8Array.from([...ascii('RIFF'), 0, 0, 0, 0, ...ascii('AVI ')]),
      `${magic} RIFF of type "AVI "`,
    );
  });

  test('files without format or samples', () => {
    expectError(wavFile([]), 'expected a "fmt " chunk, found none');
    expectError(wavFile([data]), 'expected a "fmt " chunk, found none');
    expectError(wavFile([fmt]), 'expected a "data" chunk, found none');
    const none = 'expected samples in the "data" chunk, found none';
    expectError(wavFile([fmt, { id: 'data', body: [] }]), none);
    expectError(wavFile([fmt, { id: 'data', body: [], statedSize: 500 }]), none);
    expectError(wavFile([fmt, { id: 'data', body: [], statedSize: 0xffffffff }]), none);
    expectError(wavFile([fmt, { id: 'data', body: [1] }]), none);
  });

  test('an empty data chunk is not filled with the chunks that follow it', () => {
    const trailer: WavChunk = { id: 'LIST', body: ascii('INFOISFT....odd') };
    expectError(
      wavFile([fmt, { id: 'data', body: [] }, trailer]),
      'expected samples in the "data" chunk, found none',
    );
  });
});

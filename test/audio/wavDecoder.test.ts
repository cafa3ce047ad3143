import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readWav } from '../../src/audio/wavDecoder.js';
import { QwenAsrError } from '../../src/error.js';
import { processorMs } from '../support/processorMs.js';
import { demoModelDir } from '../support/projectRoot.js';
import { Random } from '../support/random.js';
import {
  ascii,
  ds64Chunk,
  float,
  fmtChunk,
  little,
  type WavChunk,
  wavFile,
  wavOf16Bit,
} from '../support/wavWriter.js';

test('a bundled recording, 16 kHz mono PCM16 with a 44-byte header', () => {
  const bytes = readFileSync(join(demoModelDir, 'samples', 'timer-en.wav'));
  const { samples, channels, sampleRateHz } = readWav(bytes, 'timer-en.wav');
  assert.equal(channels, 1);
  assert.equal(sampleRateHz, 16000);
  assert.equal(samples.length, 36717); // golden.json of the independent implementation
  for (let i = 0; i < samples.length; i++) assert.equal(samples[i], bytes.readInt16LE(44 + 2 * i) / 32768);
});

test('float samples that are no numbers become zeros, with a note', () => {
  const body = [0.5, Number.NaN, Number.NEGATIVE_INFINITY].flatMap((value) => float(value, 32));
  const bytes = wavFile([fmtChunk({ tag: 3, bits: 32 }), { id: 'data', body }]);
  const { samples, notes } = readWav(bytes, 'clip.wav');
  assert.deepEqual([...samples], [0.5, 0, 0]);
  assert.deepEqual(notes, ['clip.wav: 2 samples that are no numbers were taken as 0']);
});

test('a file of more than 12 hours is refused before it is decoded', () => {
  const bytes = new Uint8Array(44 + 12 * 3600 * 1000 + 1);
  bytes.set(wavFile([fmtChunk({ bits: 8, sampleRateHz: 1000 }), { id: 'data', body: [] }]));
  bytes.fill(0xff, 40, 44);
  const message = 'clip.wav: expected at most 12 hours, found 12.0';
  assert.throws(() => readWav(bytes, 'clip.wav'), { code: 'audio', message });
});

/** Small files that between them have every feature of the format. */
const seeds: readonly Uint8Array[] = [
  wavOf16Bit([1, -2, 3, -4, 5, -6, 7, -8]),
  wavFile([
    { id: 'LIST', body: [1, 2, 3] },
    fmtChunk({ tag: 3, bits: 32, channels: 3, extensible: { validBits: 32 } }),
    { id: 'data', body: [0.5, -0.5, 0.25, 1, 2, 3].flatMap((value) => float(value, 32)) },
    { id: 'id3 ', body: [1] },
  ]),
  wavFile(
    [
      ds64Chunk(12n),
      fmtChunk({ bits: 24, channels: 2, sampleRateHz: 44100 }),
      { id: 'data', body: [1, 2, 3, 4].flatMap((value) => little(value, 3)), statedSize: 0xffffffff },
    ],
    'RF64',
  ),
  wavFile([fmtChunk({ tag: 3, bits: 64 }), { id: 'data', body: float(0.1, 64), statedSize: 0 }]),
  wavFile([fmtChunk({ bits: 8 }), { id: 'data', body: [128, 255, 0] }]),
];

/** Reads hostile bytes: either samples that the file can hold, or one line that names the file. */
function survive(bytes: Uint8Array): 'read' | 'refused' {
  try {
    const { samples, dataOffset, dataBytes, frameBytes } = readWav(bytes, 'hostile.wav');
    assert.ok(samples.length > 0 && samples.length * frameBytes === dataBytes);
    assert.ok(dataOffset + dataBytes <= bytes.length);
    assert.ok(samples.every(Number.isFinite));
    return 'read';
  } catch (error) {
    assert.ok(error instanceof QwenAsrError, String(error));
    assert.equal(error.code, 'audio');
    assert.match(error.message, /^hostile\.wav: [\x20-\x7e]+$/);
    return 'refused';
  }
}

test('a file cut at any byte is read as far as it goes, or refused', () => {
  for (const seed of seeds) {
    let readable = 0;
    for (let length = 0; length <= seed.length; length++) {
      if (survive(seed.subarray(0, length)) === 'read') readable++;
      else assert.equal(readable, 0, 'a longer piece of the same file must not be worse');
    }
    assert.ok(readable > 0);
  }
});

test('every size field, at every extreme', () => {
  const sizes = [
    0, 1, 2, 7, 15, 16, 17, 0x7fffffff, 0x80000000, 0xfffffff7, 0xfffffff8, 0xfffffffe, 0xffffffff,
  ];
  for (const seed of seeds) {
    for (let at = 4; at + 4 <= seed.length; at++) {
      for (const size of sizes) {
        const bytes = seed.slice();
        bytes.set(little(size, 4), at);
        survive(bytes);
      }
    }
  }
});

test('of a recording that is shorter than it says, what is there is read, with a note', () => {
  const whole = wavOf16Bit(new Array<number>(32_000).fill(1));
  const complete = readWav(whole, 'whole.wav');
  assert.deepEqual([complete.samples.length, complete.notes], [32_000, []]);
  const cut = readWav(whole.subarray(0, whole.length - 16_001), 'cut.wav');
  assert.deepEqual([cut.samples.length, cut.notes], [23_999, ['cut.wav: 1.5 s of 2.0 s are there']]);
});

test('samples that the header does not claim: a recorder died before it wrote the size', () => {
  const whole = wavOf16Bit(Array.from({ length: 32_000 }, (_, i) => Math.round(9000 * Math.sin(i / 7))));
  for (const [claimed, said] of [
    [4096, '0.13'],
    [32_001, '1.00'], // not a whole frame either
    [63_000, '1.97'],
  ] as const) {
    const died = whole.slice();
    died.set(little(claimed, 4), 40);
    died.set(little(claimed + 36, 4), 4);
    const { samples, notes } = readWav(died, 'died.wav');
    assert.equal(samples.length, 32_000);
    const found = 'the file holds 2.00 s, and all of it was read';
    assert.deepEqual(notes, [`died.wav: the header says ${said} s; ${found}`]);
  }
});

test('what follows the samples and is not read is told', () => {
  const first = [...wavOf16Bit(new Array<number>(32_000).fill(300))];
  const second = [...wavOf16Bit(new Array<number>(4000).fill(300), 8000)];
  const list = { id: 'LIST', body: new Array<number>(400).fill(0x41) };
  const [fmt, data] = [fmtChunk(), { id: 'data', body: new Array<number>(32_000).fill(1) }];
  const joinedNote = (seconds: string) =>
    `clip.wav: the first 2.00 s were read; ${seconds} s that follow were not (files that were joined, or a second "data" chunk)`;
  for (const [bytes, expected] of [
    [[...first, ...second], [joinedNote('0.50')]],
    [[...first, ...second, ...second], [joinedNote('1.00')]],
    [[...first, ...wavFile([list, fmt, data, list])], [joinedNote('1.00')]],
    [[...first, ...wavFile([fmt, data]).subarray(0, 16_044)], [joinedNote('0.50')]],
    [
      [...first, ...ascii('OggS'), ...new Array<number>(996).fill(7)],
      ['clip.wav: 1000 bytes behind its 2.00 s were not read'],
    ],
  ] as const) {
    const { samples, notes } = readWav(Uint8Array.from(bytes), 'clip.wav');
    assert.deepEqual([samples.length, notes], [32_000, expected]);
  }
  const two = readWav(wavFile([fmt, data, list, data]), 'clip.wav');
  assert.match(two.notes.join('|'), /^clip\.wav: the first 1\.00 s were read; 1\.00 s that follow were not/);
});

test('tags and other chunks behind the samples are nothing to tell', () => {
  const [fmt, data] = [fmtChunk(), { id: 'data', body: new Array<number>(32_000).fill(1) }];
  const plain = [...wavFile([fmt, data])];
  for (const bytes of [
    wavFile([fmt, data, { id: 'LIST', body: new Array<number>(999).fill(2) }, { id: 'abcd', body: [1, 2] }]),
    wavFile([fmt, data, { id: 'LIST', body: [1, 2, 3], statedSize: 5000 }]), // cut off
    [...plain, ...ascii('TAG'), ...new Array<number>(125).fill(0x20)],
    [...plain, ...ascii('ID3'), 4, 0, 0, 0, 0, 7, 0, ...new Array<number>(896).fill(1)],
    [...plain, 0, 0, 0],
  ]) {
    const { samples, notes } = readWav(Uint8Array.from(bytes), 'clip.wav');
    assert.deepEqual([samples.length, notes], [16_000, []]);
  }
});

test('RIFX is RIFF with the other order of bytes', () => {
  const big = (value: number, bytes: number) => little(value, bytes).reverse();
  const codes = [1, -2, 300, -32_768, 32_767];
  const body = codes.flatMap((code) => big(code, 2));
  const fmt = [...big(1, 2), ...big(1, 2), ...big(16_000, 4), ...big(32_000, 4), ...big(2, 2), ...big(16, 2)];
  const chunks = [...ascii('fmt '), ...big(16, 4), ...fmt, ...ascii('data'), ...big(body.length, 4), ...body];
  const file = [...ascii('RIFX'), ...big(chunks.length + 4, 4), ...ascii('WAVE'), ...chunks];
  const { samples, notes } = readWav(Uint8Array.from(file), 'clip.wav');
  assert.deepEqual(
    [...samples],
    codes.map((code) => code / 32_768),
  );
  assert.deepEqual(notes, []);
});

test('a chunk that claims to reach into or past the next one', () => {
  const data: WavChunk = { id: 'data', body: [1, 2, 3, 4] };
  for (let statedSize = 0; statedSize < 80; statedSize++) {
    survive(wavFile([{ id: 'LIST', body: [1, 2, 3, 4], statedSize }, fmtChunk(), data]));
    survive(wavFile([{ ...fmtChunk(), statedSize }, data]));
    survive(wavFile([fmtChunk(), { ...data, statedSize }, fmtChunk({ channels: 2 }), data]));
  }
});

test('4,000 seeded mutations: bytes overwritten, cut out, repeated', () => {
  const random = new Random(2024);
  const outcomes = { read: 0, refused: 0 };
  for (let round = 0; round < 4000; round++) {
    let bytes = [...seeds[round % seeds.length]!];
    for (let edits = random.integer(1, 4); edits > 0; edits--) bytes = mutate(bytes, random);
    outcomes[survive(Uint8Array.from(bytes))]++;
  }
  assert.ok(outcomes.read > 400 && outcomes.refused > 400, JSON.stringify(outcomes));
});

function mutate(bytes: readonly number[], random: Random): number[] {
  const at = random.integer(0, bytes.length);
  const count = random.integer(1, 8);
  const kind = random.integer(0, 3);
  if (kind === 0) return [...bytes.slice(0, at), ...bytes.slice(at + count)];
  if (kind === 1) return [...bytes.slice(0, at), ...bytes.slice(Math.max(0, at - count))];
  const replaced = bytes.slice();
  const value = kind === 2 ? random.integer(0, 255) : random.integer(0, 1) * 255;
  for (let i = at; i < Math.min(at + (kind === 2 ? 1 : count), bytes.length); i++) replaced[i] = value;
  return replaced;
}

test('100,000 empty chunks take no noticeable time', () => {
  const bytes = new Uint8Array(12 + 8 * 100_000);
  bytes.set(wavFile([]));
  const startMs = processorMs();
  assert.equal(survive(bytes), 'refused');
  assert.ok(processorMs() - startMs < 1000);
});

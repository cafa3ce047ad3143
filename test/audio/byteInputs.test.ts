import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { runInNewContext } from 'node:vm';
import { decodeInBrowser } from '../../src/audio/decodeInBrowser.js';
import { decodeWav } from '../../src/audio/wavDecoder.js';
import { type ByteInput, decodeAudio, loadAudio, loadWav, openAudio } from '../../src/index.js';
import type { BytesInMemory } from '../../src/model/checkArguments.js';
import { oneLineError } from '../model/support/oneLineError.js';
import { demoModelDir } from '../support/projectRoot.js';
import { wavOf16Bit } from '../support/wavWriter.js';

const path = join(demoModelDir, 'samples', 'light-en.wav');
const file = readFileSync(path);
/** golden.json of the independent implementation. */
const SAMPLE_COUNT = 26_711;

/** The file's bytes in a buffer of their own, behind 8 others where they are part of a larger one. */
function bufferOf(Kind: ArrayBufferConstructor | SharedArrayBufferConstructor, before = 0) {
  const buffer = new Kind(before + file.length);
  new Uint8Array(buffer, before).set(file);
  return buffer;
}

const foreign = () => runInNewContext('Uint8Array.from(bytes)', { bytes: [...file] });

const IN_MEMORY: readonly (readonly [name: string, make: () => BytesInMemory])[] = [
  ['an ArrayBuffer', () => bufferOf(ArrayBuffer)],
  ['a SharedArrayBuffer', () => bufferOf(SharedArrayBuffer)],
  ['a Buffer', () => Buffer.from(file)],
  ['a Uint8Array inside a larger buffer', () => new Uint8Array(bufferOf(ArrayBuffer, 8), 8)],
  ['a Uint8Array of shared memory', () => new Uint8Array(bufferOf(SharedArrayBuffer, 8), 8)],
  ['a Uint8ClampedArray', () => new Uint8ClampedArray(bufferOf(ArrayBuffer))],
  ['an Int16Array', () => new Int16Array(bufferOf(ArrayBuffer))],
  ['a DataView', () => new DataView(bufferOf(ArrayBuffer, 8), 8)],
  ['a Uint8Array of another realm', foreign],
  ['an ArrayBuffer of another realm', () => foreign().buffer],
];
const ASKED: readonly (readonly [name: string, make: () => ByteInput])[] = [
  ['a Blob', () => new Blob([file])],
  ['the Response of a fetch', () => new Response(file)],
];

test('bytes of every kind are the recording', async () => {
  const expected = (await loadWav(path)).samples;
  assert.equal(expected.length, SAMPLE_COUNT);
  for (const [name, make] of [...IN_MEMORY, ...ASKED]) {
    assert.deepEqual((await loadWav(make())).samples, expected, `loadWav, ${name}`);
    assert.deepEqual((await loadAudio(make())).samples, expected, `loadAudio, ${name}`);
    assert.deepEqual((await decodeAudio(make())).samples, expected, `decodeAudio, ${name}`);
    assert.deepEqual((await decodeInBrowser(make())).samples, expected, `decodeInBrowser, ${name}`);
    const stream = await openAudio(make());
    assert.equal(stream.sampleCount, SAMPLE_COUNT, `openAudio, ${name}`);
    let [at, blocks] = [0, 0];
    for await (const block of stream) {
      assert.deepEqual(block, expected.subarray(at, at + block.length), `openAudio, ${name}`);
      at += block.length;
      blocks++;
    }
    assert.deepEqual([at, blocks], [SAMPLE_COUNT, 2]);
    await stream.close();
  }
  for (const [name, make] of IN_MEMORY) assert.deepEqual(decodeWav(make()).samples, expected, name);
});

test('bytes that are overwritten after the call', async () => {
  const expected = (await loadWav(path)).samples;
  for (const load of [loadWav, loadAudio, decodeAudio, decodeInBrowser]) {
    const bytes = Buffer.from(file);
    const loading = load(bytes);
    bytes.fill(0);
    assert.deepEqual((await loading).samples, expected, load.name);
  }
  const bytes = Buffer.from(file);
  const opening = openAudio(bytes);
  bytes.fill(0);
  const stream = await opening;
  for await (const block of stream) {
    assert.deepEqual(block, expected.subarray(0, 16_000));
    break;
  }
  await stream.close();
});

test('what messages call bytes: the label, the name of a File, or audio', async () => {
  const text = new TextEncoder().encode('hello, world');
  const refusal = (name: string) => oneLineError('audio', new RegExp(`^${name}: expected a WAV file`));
  await assert.rejects(loadWav(text), refusal('audio'));
  await assert.rejects(loadWav(text, { label: 'memo' }), refusal('memo'));
  await assert.rejects(loadWav(Object.assign(new Blob([text]), { name: 'memo.wav' })), refusal('memo.wav'));
  assert.throws(() => decodeWav(text), refusal('audio'));
});

test('what are no bytes is named', async () => {
  const posted = new ArrayBuffer(8);
  structuredClone(posted, { transfer: [posted] });
  const cases: readonly (readonly [unknown, string])[] = [
    [undefined, 'undefined'],
    [null, 'null'],
    [[82, 73], 'an Array'],
    [() => file, 'a function'],
    [{}, 'an Object'],
    [new Float32Array(4), 'a Float32Array'],
    [Promise.resolve(file), 'a Promise'],
    [runInNewContext('[1]'), 'an Array'],
    [new URL('file:///a.wav'), 'a URL'],
    [5n, '5n'],
    [posted, 'an ArrayBuffer that was transferred elsewhere'],
  ];
  for (const [value, found] of cases) {
    const refused = oneLineError('usage', new RegExp(`expected .*, found ${found}$`));
    for (const load of [loadWav, loadAudio, openAudio, decodeAudio, decodeInBrowser]) {
      await assert.rejects(load(value as ArrayBuffer), refused, `${load.name}, ${found}`);
    }
    assert.throws(() => decodeWav(value as ArrayBuffer), refused);
  }
  const hint = oneLineError('usage', /found a Blob, whose bytes its arrayBuffer\(\) gives$/);
  assert.throws(() => decodeWav(new Blob([file]) as unknown as ArrayBuffer), hint);
});

test('bytes that cannot be had', async () => {
  const gone = { arrayBuffer: () => Promise.reject(new Error('the file has changed')) };
  const failed = oneLineError('file', /^audio: could not be read: the file has changed$/);
  await assert.rejects(openAudio(gone), failed);
  const absent = new Response('not here', { status: 404 });
  await assert.rejects(loadAudio(absent), oneLineError('file', /^audio: the server answered 404$/));
});

test('a signal stops the reading of bytes', async () => {
  const bytes = wavOf16Bit(new Array<number>(100_000).fill(1), 8000);
  await assert.rejects(openAudio(bytes, { signal: AbortSignal.abort() }), oneLineError('aborted'));
});

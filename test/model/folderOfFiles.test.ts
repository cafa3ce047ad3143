import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  folderOfFiles,
  givenModelFiles,
  type ModelFile,
  type NamedBytes,
} from '../../src/model/folderOfFiles.js';
import { loadModelFromFiles } from '../../src/transcribe/loadModelFromFiles.js';
import { demoModelDir } from '../support/projectRoot.js';
import { oneLineError } from './support/oneLineError.js';

const NAMES = ['model.safetensors', 'config.json', 'vocab.json', 'merges.txt'];
const bytesOf = (name: string) => readFileSync(join(demoModelDir, name));

/** A stream whose pieces are buffers and not views, as some libraries make them. */
function streamed(name: string): ModelFile {
  const bytes = bytesOf(name);
  const stream = () =>
    new ReadableStream({
      start(controller) {
        controller.enqueue(new Uint8Array(bytes.subarray(0, 100)).buffer);
        controller.enqueue(new DataView(new Uint8Array(bytes.subarray(100)).buffer));
        controller.close();
      },
    });
  return { name, size: bytes.length, stream };
}

const KINDS: readonly (readonly [string, (name: string) => ModelFile | NamedBytes])[] = [
  ['Buffers', (name) => ({ name, bytes: bytesOf(name) })],
  ['ArrayBuffers', (name) => ({ name, bytes: new Uint8Array(bytesOf(name)).buffer })],
  ['DataViews', (name) => ({ name, bytes: new DataView(new Uint8Array(bytesOf(name)).buffer) })],
  ['Blobs', (name) => ({ name, bytes: new Blob([bytesOf(name)]) })],
  ['Blobs with names, as a file input gives', (name) => Object.assign(new Blob([bytesOf(name)]), { name })],
  ['Responses', (name) => ({ name, bytes: new Response(bytesOf(name)) })],
  ['streams', streamed],
];

for (const [name, make] of KINDS) {
  test(`a model from ${name}`, async () => {
    const files = await givenModelFiles(NAMES.map(make));
    const provide = (byteLength: number) => ({ buffer: new ArrayBuffer(byteLength), byteOffset: 0 });
    const folder = folderOfFiles(files, { source: 'model', provide });
    assert.equal((await folder.readText('vocab.json')).decode(), bytesOf('vocab.json').toString());
    const { buffer, byteLength } = await folder.openWeights('model.safetensors');
    assert.ok(bytesOf('model.safetensors').equals(new Uint8Array(buffer, 0, byteLength)));
  });
}

test('what are no files of a model is named', async () => {
  const cases: readonly (readonly [unknown, RegExp])[] = [
    [null, /^model: expected the address of a model or its files, found null$/],
    [undefined, /found undefined$/],
    [new ArrayBuffer(8), /found an ArrayBuffer$/],
    [new Blob([]), /found a Blob$/],
    [['model.safetensors'], /^model: expected files with a name and bytes, .*, found "model.safetensors"$/],
    [[bytesOf('config.json')], /found a Uint8Array$/],
    [[new Blob([])], /found a Blob$/],
    [[{ name: 'config.json', bytes: 'text' }], /found an Object$/],
    ['models/demo/', /^model: expected an absolute address, found "models\/demo\/"$/],
  ];
  for (const [source, message] of cases) {
    await assert.rejects(loadModelFromFiles(source as string), oneLineError('usage', message));
  }
});

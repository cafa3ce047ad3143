import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromOptionalPackage } from '../../src/audio/packageWasm.js';

const mp3 = { name: 'minimp3-wasm', purpose: 'MP3' };

test('what an installed package gives', async () => {
  assert.equal(await fromOptionalPackage(mp3, 'clip.mp3', async () => 7), 7);
});

test('a package that is not installed is named', async () => {
  const absent = 'no-such-package-anywhere';
  const message =
    'clip.mp3: MP3 needs the package minimp3-wasm, which is not installed; npm install minimp3-wasm adds it';
  await assert.rejects(
    fromOptionalPackage(mp3, 'clip.mp3', () => import(absent)),
    { code: 'unsupported', message },
  );
  await assert.rejects(
    fromOptionalPackage(mp3, 'clip.mp3', async () => import.meta.resolve(`${absent}/file.wasm`)),
    { code: 'unsupported', message },
  );
});

test('a package that does not load', async () => {
  const message =
    /^clip\.mp3: MP3 needs the package minimp3-wasm, which cannot be loaded \(SyntaxError: odd\);/;
  await assert.rejects(
    fromOptionalPackage(mp3, 'clip.mp3', () => Promise.reject(new SyntaxError('odd'))),
    { code: 'unsupported', message },
  );
});

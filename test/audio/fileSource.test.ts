import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { after, describe, test } from 'node:test';
import { type FileSource, spool } from '../../src/audio/fileSource.js';
import { openAudio } from '../../src/audio/openAudio.js';
import { decodeWav } from '../../src/audio/wavDecoder.js';
import { voiceWav } from './support/clips.js';
import { joined } from './support/decodeAll.js';

const folder = mkdtempSync(join(tmpdir(), 'qwen-asr-pipe-'));
after(() => rmSync(folder, { recursive: true }));

async function bytesOf(source: FileSource): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of source.pieces()) pieces.push(piece.slice());
  return new Uint8Array(Buffer.concat(pieces));
}

describe('spool', () => {
  for (const length of [0, 1000, 2 ** 23, 2 ** 23 + 1, 20_000_000]) {
    test(`${length} bytes can be read again, and leave nothing behind`, async () => {
      const bytes = Uint8Array.from({ length }, (_, i) => (i * 7919) >> 7);
      const pieces = Array.from({ length: Math.ceil(length / 65_536) }, (_, i) =>
        bytes.slice(i * 65_536, (i + 1) * 65_536),
      );
      const source = await spool(Readable.from(pieces), 'a pipe');
      assert.equal(source.totalBytes, length);
      for (let round = 0; round < 2; round++) assert.deepEqual(await bytesOf(source), bytes);
      const path = await source.path();
      assert.deepEqual(new Uint8Array(readFileSync(path)), bytes);
      await source.close();
      assert.equal(existsSync(dirname(String(path))), false);
    });
  }

  test('an abort', async () => {
    const abort = new AbortController();
    async function* endless() {
      for (;;) {
        yield new Uint8Array(1000);
        abort.abort();
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
    const expected = { code: 'aborted', message: 'a pipe: reading was aborted' };
    await assert.rejects(spool(Readable.from(endless()), 'a pipe', abort.signal), expected);
    await assert.rejects(spool(Readable.from([]), 'a pipe', AbortSignal.abort()), expected);
  });

  test('a pipe that breaks', async () => {
    const broken = new Readable({ read: () => {} });
    broken.destroy(new Error('gone'));
    const message = 'a pipe: cannot be used: gone';
    await assert.rejects(spool(broken, 'a pipe'), { code: 'file', message });
  });
});

test('a named pipe', { skip: process.platform === 'win32' && 'there are none' }, async () => {
  const path = join(folder, 'pipe');
  assert.equal(spawnSync('mkfifo', [path]).status, 0);
  const wav = voiceWav({ seconds: 3 });
  const writer = spawn('sh', ['-c', `cat > "${path}"`], { stdio: ['pipe', 'ignore', 'inherit'] });
  writer.stdin.end(wav);
  const stream = await openAudio(path);
  const blocks: Float32Array[] = [];
  for await (const block of stream) blocks.push(block);
  await stream.close();
  assert.deepEqual(joined(blocks), decodeWav(wav, 'clip').samples);
});

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { flacFrameChecksum, flacHeaderChecksum } from '../../src/audio/flac/flacBits.js';
import { loadAudio, openAudio } from '../../src/audio/openAudio.js';

const folder = mkdtempSync(join(tmpdir(), 'qwen-asr-silence-'));
after(() => rmSync(folder, { recursive: true }));

/** Far more than decoding without a look at the event loop would take until the next piece of the file is read: 4 s. */
const MAX_PROCESSOR_MS = 2000;
const MAX_GROWTH_BYTES = 100e6;

const FRAME_SAMPLES = 65_535;

/** 57 days of silence in a megabyte: frames of 14 bytes, 65 s each, that hold a single value. */
function longFlac(): Uint8Array {
  // STREAMINFO: block sizes, no frame sizes, 1000 Hz, one channel of 16 bits, and neither length nor checksum.
  const info = [0x80, 0, 0, 34, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0x00, 0x3e, 0x80, 0xf0, 0, 0, 0, 0];
  const header = [0xff, 0xf8, 0x70, 0x08, 0, (FRAME_SAMPLES - 1) >> 8, (FRAME_SAMPLES - 1) & 0xff];
  const named = Uint8Array.from([...header, flacHeaderChecksum(Uint8Array.from(header), 0, header.length)]);
  const body = Uint8Array.from([...named, 0, 0, 0]);
  const sum = flacFrameChecksum(body, 0, body.length);
  const frame = Uint8Array.from([...body, sum >> 8, sum & 0xff]);
  const file = new Uint8Array(4 + info.length + 16 + 75_000 * frame.length);
  file.set([0x66, 0x4c, 0x61, 0x43, ...info]);
  for (let at = 4 + info.length + 16; at < file.length; at += frame.length) file.set(frame, at);
  return file;
}

test('57 days of FLAC in a megabyte: an abort is heard at once, and memory stays bounded', async () => {
  const path = join(folder, 'long.flac');
  writeFileSync(path, longFlac());
  for (const read of [openAudio, loadAudio]) {
    const before = { memory: process.memoryUsage().rss, processor: process.cpuUsage() };
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 100);
    await assert.rejects(read(path, { signal: abort.signal }), {
      code: 'aborted',
      message: `${path}: reading was aborted`,
    });
    const { user, system } = process.cpuUsage(before.processor);
    assert.ok(user + system < 1000 * MAX_PROCESSOR_MS, `${read.name} took ${(user + system) / 1000} ms`);
    const growth = process.memoryUsage().rss - before.memory;
    assert.ok(growth < MAX_GROWTH_BYTES, `${read.name} took ${(growth / 1e6).toFixed(0)} MB`);
  }
});

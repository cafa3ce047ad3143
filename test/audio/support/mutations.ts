import assert from 'node:assert/strict';
import { bytesInMemory } from '../../../src/audio/byteReader.js';
import { openDecoder } from '../../../src/audio/openDecoder.js';
import { QwenAsrError } from '../../../src/error.js';
import { processorMs } from '../../support/processorMs.js';
import { Random } from '../../support/random.js';

/** Values that fields are damaged with. */
const EXTREMES = [0, 1, 0x7f, 0x80, 0xfe, 0xff];
/** The most processor time that one file of less than a second may take. */
const LIMIT_MS = 3000;
/** What the process may grow by, all files together. */
const MAX_GROWTH_BYTES = 300e6;

/**
 * Decodes damaged copies of a file, `count` of them, numbered from `firstSeed`: each either is decoded, to finite
 * samples, or fails with an error of one line.
 *
 * @param repair makes checksums right again, so that the damage gets past them; used for every other copy.
 */
export async function decodeMutations(
  file: Uint8Array,
  { firstSeed, count, repair }: { firstSeed: number; count: number; repair?: (bytes: Uint8Array) => void },
): Promise<{ decoded: number; failed: number }> {
  const outcome = { decoded: 0, failed: 0 };
  await tryToDecode(file, 'intact');
  const before = process.memoryUsage().rss;
  let endMs = processorMs();
  for (let seed = firstSeed; seed < firstSeed + count; seed++) {
    const mutated = mutate(file, new Random(seed));
    if (seed % 2 === 0) repair?.(mutated);
    outcome[(await tryToDecode(mutated, `mutation ${seed}`)) ? 'decoded' : 'failed']++;
    const nowMs = processorMs(); // asked once a file: it costs more than small files do
    const tookMs = nowMs - endMs;
    endMs = nowMs;
    assert.ok(tookMs < LIMIT_MS, `mutation ${seed} took ${tookMs.toFixed(0)} ms`);
  }
  const growth = process.memoryUsage().rss - before;
  assert.ok(growth < MAX_GROWTH_BYTES, `the process grew by ${(growth / 1e6).toFixed(0)} MB`);
  return outcome;
}

/** A copy with one to four places damaged: bits, bytes and runs changed, removed, doubled, moved, or cut off. */
export function mutate(file: Uint8Array, random: Random): Uint8Array<ArrayBuffer> {
  let bytes = file.slice();
  // Headers are short, and much depends on them: half of the places are among the first 200 bytes.
  const place = () => {
    const limit = random.uniform() < 0.5 ? Math.min(200, bytes.length) : bytes.length;
    return random.integer(0, Math.max(0, limit - 1));
  };
  for (let left = random.integer(1, 4); left > 0; left--) {
    const at = place();
    const end = Math.min(bytes.length, at + random.integer(1, random.uniform() < 0.8 ? 8 : 2000));
    switch (random.integer(0, 6)) {
      case 0:
        bytes[at] = (bytes[at] ?? 0) ^ (1 << random.integer(0, 7));
        break;
      case 1:
        for (let i = at; i < end; i++) bytes[i] = random.integer(0, 255);
        break;
      case 2:
        for (let i = at; i < end; i++) bytes[i] = EXTREMES[random.integer(0, 5)]!;
        break;
      case 3:
        bytes = concatenate(bytes.subarray(0, at), bytes.subarray(end));
        break;
      case 4:
        bytes = concatenate(bytes.subarray(0, end), bytes.subarray(at));
        break;
      case 5: {
        const target = place();
        bytes = concatenate(bytes.subarray(0, target), bytes.subarray(at, end), bytes.subarray(target));
        break;
      }
      default:
        if (random.uniform() < 0.3) bytes = bytes.slice(0, at);
    }
  }
  return bytes;
}

function concatenate(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.concat(parts));
}

/** Whether the bytes were decoded to the end. */
async function tryToDecode(bytes: Uint8Array, label: string): Promise<boolean> {
  try {
    const opened = await openDecoder(bytesInMemory(bytes, label));
    if (opened.format === null) {
      assert.match(opened.found, /^[ -~]+$/, label);
      return false;
    }
    const { sampleRateHz, decode, notes } = opened.decoder;
    assert.ok(sampleRateHz >= 1000 && sampleRateHz <= 768_000, label);
    for await (const { samples } of decode()) {
      assert.ok(samples.length <= 65_536, label);
      assert.ok(allFinite(samples), label);
    }
    for (const note of notes) assertOneLine(note, label);
    return true;
  } catch (error) {
    if (!(error instanceof QwenAsrError)) throw new Error(`${label}: ${String(error)}`, { cause: error });
    assert.equal(error.code, 'audio', label);
    assertOneLine(error.message, label);
    return false;
  }
}

/** A loop: `every` would call a function for each of some hundred million samples. */
function allFinite(samples: Float32Array): boolean {
  for (let i = 0; i < samples.length; i++) if (!Number.isFinite(samples[i])) return false;
  return true;
}

function assertOneLine(message: string, label: string): void {
  assert.ok(message.startsWith(`${label}: `), message);
  assert.match(message, /^[^\r\n]{10,300}$/);
}

/** Makes the checksums of an Ogg file right: each page's is the remainder of the page with zeros in its place. */
export function repairOgg(bytes: Uint8Array): void {
  for (let at = 0; at + 27 < bytes.length; at++) {
    if (bytes[at] !== 0x4f || bytes[at + 1] !== 0x67 || bytes[at + 2] !== 0x67 || bytes[at + 3] !== 0x53)
      continue;
    const table = bytes.subarray(at + 27, at + 27 + bytes[at + 26]!);
    const page = bytes.subarray(at, at + 27 + table.length + table.reduce((sum, length) => sum + length, 0));
    page.fill(0, 22, 26);
    let sum = 0;
    for (const byte of page) {
      sum ^= byte << 24;
      for (let bit = 0; bit < 8; bit++) sum = (sum << 1) ^ (sum < 0 ? 0x04c11db7 : 0);
    }
    new DataView(page.buffer, page.byteOffset).setUint32(22, sum >>> 0, true);
  }
}

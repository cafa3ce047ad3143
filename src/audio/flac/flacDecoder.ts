import { QwenAsrError } from '../../error.js';
import type { AudioDecoder } from '../audioDecoder.js';
import type { ByteReader } from '../byteReader.js';
import { Damage } from '../damage.js';
import { FlacFrameDecoder } from './flacFrame.js';
import { readFlacFrameHeader } from './flacFrameHeader.js';
import { type FlacStreamInfo, readFlacStreamInfo } from './flacStreamInfo.js';

/** Bytes looked at for a frame at first, and at most: four times the largest frame without compression. */
const FIRST_WINDOW = 65_536;
const LAST_WINDOW = 2 ** 23;

/**
 * Decodes FLAC (RFC 9639): up to 8 channels of 4 to 32 bits, exactly. Frames that fail their checksum are left out and
 * noted; a file that was cut short yields the frames that are there.
 *
 * @throws QwenAsrError `audio` without a valid STREAMINFO; from `decode` when there is no intact frame.
 */
export async function openFlac(reader: ByteReader, label: string): Promise<AudioDecoder> {
  const info = await readFlacStreamInfo(reader, label);
  const notes: string[] = [];
  return {
    sampleRateHz: info.sampleRateHz,
    mayExceedOne: false,
    sampleCount: null, // what STREAMINFO claims is only known to be true at the end
    notes,
    decode: () => decodeFrames(reader, info, label, notes),
  };
}

async function* decodeFrames(
  reader: ByteReader,
  info: FlacStreamInfo,
  label: string,
  notes: string[],
): AsyncGenerator<Float32Array, void, undefined> {
  const frames = new FlacFrameDecoder(info);
  const damage = new Damage(label);
  let decoded = 0;
  let inSync = true;
  let unexplained = false; // whether bytes were skipped that no damaged frame accounts for
  for (let window = FIRST_WINDOW; (await reader.fill(window)) > 0; ) {
    const bytes = reader.bytes;
    const header = readFlacFrameHeader(bytes, 0, info);
    const frame = header === undefined ? undefined : frames.decode(bytes, header);
    if (typeof frame === 'object') {
      if (unexplained) damage.add();
      inSync = true;
      unexplained = false;
      reader.skip(frame.frameBytes);
      decoded += frame.mono.length;
      yield frame.mono;
      continue;
    }
    const moreMayCome = bytes.length >= window;
    if (frame === 'short' && moreMayCome && window < LAST_WINDOW) {
      window *= 2;
      continue;
    }
    if (frame === undefined) unexplained ||= inSync;
    else if (frame === 'damaged' || moreMayCome) damage.add();
    inSync = false;
    window = FIRST_WINDOW;
    reader.skip(nextSync(bytes));
  }
  if (decoded === 0) throw new QwenAsrError('audio', `${label}: expected FLAC frames, found no intact one`);
  notes.push(...damage.note());
  const expected = info.sampleCount ?? decoded;
  if (decoded < expected) {
    const seconds = (samples: number) => (samples / info.sampleRateHz).toFixed(1);
    notes.push(`${label}: ${seconds(decoded)} s of ${seconds(expected)} s are there`);
  }
}

/** Where the next header may begin, after the first byte. */
function nextSync(bytes: Uint8Array): number {
  for (let at = 1; at < bytes.length; at++) {
    if (bytes[at] !== 0xff) continue;
    if (at + 1 === bytes.length || (bytes[at + 1]! & 0xfe) === 0xf8) return at;
  }
  return bytes.length;
}

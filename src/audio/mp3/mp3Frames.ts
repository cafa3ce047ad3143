import type { ByteReader } from '../byteReader.js';
import type { Damage } from '../damage.js';
import { playerTagBytes } from '../playerTag.js';

/** What the four bytes at the start of an MPEG audio layer III frame say (ISO/IEC 11172-3 §2.4.2.3, 13818-3). */
export interface Mp3FrameHeader {
  /** 1 for MPEG-1 (32 to 48 kHz), 2 for MPEG-2 (16 to 24 kHz), 2.5 for its unofficial extension (8 to 12 kHz). */
  readonly version: 1 | 2 | 2.5;
  readonly sampleRateHz: number;
  readonly channels: 1 | 2;
  /** Length of the frame, header included. */
  readonly frameBytes: number;
  /** Samples a channel: 1152, or 576 below 32 kHz. */
  readonly frameSamples: number;
  /** Bytes of side information, which follow the header (and the checksum, if there is one). */
  readonly sideInfoBytes: number;
}

export const MP3_HEADER_BYTES = 4;
/** 320 kbit/s at 32 kHz, padded. */
export const MAX_MP3_FRAME_BYTES = 1441;

/** By the version's two bits; the second is reserved. */
const VERSIONS = [2.5, undefined, 2, 1] as const;
const LAYER_3 = 1;
const MONO = 3;
/** kbit/s by index; 0 stands for "free", which needs the next frame to be found and is not read. */
const BIT_RATES_1 = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
const BIT_RATES_2 = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
/** MPEG-1 rates in Hz; MPEG-2 has half of them, MPEG-2.5 a quarter. */
const RATES_HZ = [44_100, 48_000, 32_000];
const RESERVED_EMPHASIS = 2;

/**
 * Reads a layer III frame header.
 *
 * @returns undefined when there is none at `at`, or one with a reserved value or the free bit rate.
 */
export function readMp3FrameHeader(bytes: Uint8Array, at: number): Mp3FrameHeader | undefined {
  if (at + MP3_HEADER_BYTES > bytes.length) return undefined;
  const [first, second, third, fourth] = [bytes[at]!, bytes[at + 1]!, bytes[at + 2]!, bytes[at + 3]!];
  if (first !== 0xff || (second & 0xe0) !== 0xe0) return undefined;
  const version = VERSIONS[(second >> 3) & 3];
  if (version === undefined || ((second >> 1) & 3) !== LAYER_3) return undefined;
  const bitRate = (version === 1 ? BIT_RATES_1 : BIT_RATES_2)[third >> 4] ?? 0;
  const fullRateHz = RATES_HZ[(third >> 2) & 3];
  if (bitRate === 0 || fullRateHz === undefined || (fourth & 3) === RESERVED_EMPHASIS) return undefined;
  const sampleRateHz = version === 1 ? fullRateHz : version === 2 ? fullRateHz / 2 : fullRateHz / 4;
  const channels = fourth >> 6 === MONO ? 1 : 2;
  const frameSamples = version === 1 ? 1152 : 576;
  const padding = (third >> 1) & 1;
  return {
    version,
    sampleRateHz,
    channels,
    frameBytes: Math.floor(((frameSamples / 8) * bitRate * 1000) / sampleRateHz) + padding,
    frameSamples,
    sideInfoBytes: version === 1 ? (channels === 1 ? 17 : 32) : channels === 1 ? 9 : 17,
  };
}

/** Whether two frames can be of one stream: a stream keeps its version and rate. */
function belongTogether(a: Mp3FrameHeader, b: Mp3FrameHeader): boolean {
  return a.sampleRateHz === b.sampleRateHz; // the versions have no rate in common
}

/**
 * How many frames of one stream follow each other from `at` on, counted up to `enough`, and whether the count ended
 * because the bytes did.
 */
export function countMp3Frames(
  bytes: Uint8Array,
  at: number,
  enough: number,
): { readonly frames: number; readonly endReached: boolean } {
  const first = readMp3FrameHeader(bytes, at);
  let header = first;
  let frames = 0;
  let next = at;
  while (header !== undefined && first !== undefined && belongTogether(first, header)) {
    frames++;
    next += header.frameBytes;
    if (frames === enough) break;
    header = readMp3FrameHeader(bytes, next);
  }
  return { frames, endReached: frames < enough && next + MP3_HEADER_BYTES > bytes.length };
}

/** A frame; its bytes are valid until the next one is asked for. */
export interface Mp3Frame {
  readonly header: Mp3FrameHeader;
  readonly bytes: Uint8Array;
}

/** Frames in a row that show where frames begin, after bytes that are none. */
const FRAMES_TO_SYNC = 3;
const LOOK_AHEAD = FRAMES_TO_SYNC * MAX_MP3_FRAME_BYTES + MP3_HEADER_BYTES;

/**
 * Finds the frames of an MP3 file. Whatever lies between them (tags, damage) is left out, and so is an incomplete frame at
 * the end. Another rate than that of the frames before (files that were joined) has to show in several frames in a row.
 *
 * @param damage counts the places between frames where bytes that are no tag were left out, and hears of an incomplete
 * last frame and of bytes behind it.
 */
export async function* mp3Frames(
  reader: ByteReader,
  damage: Damage,
): AsyncGenerator<Mp3Frame, void, undefined> {
  let stream: Mp3FrameHeader | undefined;
  let inSync = false;
  let unexplained = false;
  while ((await reader.fill(LOOK_AHEAD)) >= MP3_HEADER_BYTES) {
    const bytes = reader.bytes;
    const header = readMp3FrameHeader(bytes, 0);
    if (header !== undefined && isNext(bytes, header, stream, inSync)) {
      if (header.frameBytes > bytes.length) {
        damage.isCut = inSync;
        return;
      }
      if (unexplained && stream !== undefined) damage.add();
      damage.heard();
      stream = header;
      inSync = true;
      unexplained = false;
      yield { header, bytes: bytes.subarray(0, header.frameBytes) };
      reader.skip(header.frameBytes);
      continue;
    }
    inSync = false;
    const tag = playerTagBytes(bytes);
    const next = tag === 0 ? nextSync(bytes) : tag;
    if (tag === 0) {
      unexplained = true;
      damage.skip(bytes.subarray(0, next));
    }
    await reader.discard(next);
  }
}

/** Whether the header at the start is that of a frame, after those of `stream`. */
function isNext(
  bytes: Uint8Array,
  header: Mp3FrameHeader,
  stream: Mp3FrameHeader | undefined,
  inSync: boolean,
): boolean {
  const { frames, endReached } = countMp3Frames(bytes, 0, FRAMES_TO_SYNC);
  if (frames === FRAMES_TO_SYNC) return true;
  if (stream !== undefined && !belongTogether(stream, header)) return false;
  return inSync || endReached;
}

/** Where the next header may begin, after the first byte. */
function nextSync(bytes: Uint8Array): number {
  const at = bytes.indexOf(0xff, 1);
  return at < 0 ? bytes.length : at;
}

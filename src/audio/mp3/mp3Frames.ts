import type { ByteReader } from '../byteReader.js';
import type { Damage } from '../damage.js';
import { id3TagBytes } from '../id3Tag.js';
import {
  belongTogether,
  countMp3Frames,
  MAX_MP3_FRAME_BYTES,
  MP3_HEADER_BYTES,
  type Mp3FrameHeader,
  readMp3FrameHeader,
} from './mp3FrameHeader.js';

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
    const tag = id3TagBytes(bytes);
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

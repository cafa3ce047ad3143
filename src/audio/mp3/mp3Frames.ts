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
 * Finds the frames of an MP3 file. All have the rate of the first; whatever lies between them (tags, damage) is left
 * out, and so is an incomplete frame at the end.
 *
 * @param damage counts the places between frames where bytes that are no tag were left out, and hears of an incomplete
 * last frame.
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
    if (header !== undefined && belongTogether(stream ?? header, header) && (inSync || isInRow(bytes))) {
      if (header.frameBytes > bytes.length) {
        damage.isCut = inSync;
        return;
      }
      if (unexplained && stream !== undefined) damage.add();
      stream = header;
      inSync = true;
      unexplained = false;
      yield { header, bytes: bytes.subarray(0, header.frameBytes) };
      reader.skip(header.frameBytes);
      continue;
    }
    inSync = false;
    const tag = id3TagBytes(bytes);
    if (tag === 0) unexplained = true;
    await reader.discard(tag === 0 ? nextSync(bytes) : tag);
  }
}

/** Whether further frames follow the one at the start, as many as can be seen. */
function isInRow(bytes: Uint8Array): boolean {
  const { frames, endReached } = countMp3Frames(bytes, 0, FRAMES_TO_SYNC);
  return frames === FRAMES_TO_SYNC || endReached;
}

/** Where the next header may begin, after the first byte. */
function nextSync(bytes: Uint8Array): number {
  const at = bytes.indexOf(0xff, 1);
  return at < 0 ? bytes.length : at;
}

import { QwenAsrError } from '../../error.js';
import type { ByteReader } from '../byteReader.js';
import { MAX_RATE_HZ, MIN_RATE_HZ } from '../resample.js';

/** How the samples of a frame are written. */
export interface FlacFormat {
  readonly sampleRateHz: number;
  readonly channels: number;
  readonly bitsPerSample: number;
}

/** What a FLAC file says about all of its frames (RFC 9639 §8.2). */
export interface FlacStreamInfo extends FlacFormat {
  /** Samples a channel, or null where the encoder did not know. */
  readonly sampleCount: number | null;
}

/** "fLaC", which every stream begins with. */
export const FLAC_MARK = [0x66, 0x4c, 0x61, 0x43];
const BLOCK_HEADER_BYTES = 4;
const STREAM_INFO_BYTES = 34;
const LAST_BLOCK = 0x80;

/**
 * Reads the metadata in front of the frames; the reader then stands at the first frame.
 *
 * @throws QwenAsrError `audio` when it is cut short, or names a rate or a sample size that cannot be decoded.
 */
export async function readFlacStreamInfo(reader: ByteReader, label: string): Promise<FlacStreamInfo> {
  reader.skip(Math.min(FLAC_MARK.length, await reader.fill(FLAC_MARK.length)));
  let info: FlacStreamInfo | undefined;
  for (let last = false; !last; ) {
    if ((await reader.fill(BLOCK_HEADER_BYTES)) < BLOCK_HEADER_BYTES) {
      throw new QwenAsrError('audio', `${label}: expected FLAC frames, found the end of the file`);
    }
    const [kind, high, middle, low] = reader.bytes;
    const blockBytes = high! * 65_536 + middle! * 256 + low!;
    last = (kind! & LAST_BLOCK) !== 0;
    reader.skip(BLOCK_HEADER_BYTES);
    if (info === undefined) {
      // The format wants this block first; whatever else comes first is no FLAC file.
      const present = Math.min(await reader.fill(STREAM_INFO_BYTES), blockBytes);
      if ((kind! & ~LAST_BLOCK) !== 0 || present < STREAM_INFO_BYTES) {
        throw new QwenAsrError('audio', `${label}: expected the "STREAMINFO" of a FLAC file, found none`);
      }
      info = parse(reader.bytes, label);
    }
    await reader.discard(blockBytes);
  }
  return info!;
}

function parse(bytes: Uint8Array, label: string): FlacStreamInfo {
  const view = new DataView(bytes.buffer, bytes.byteOffset, STREAM_INFO_BYTES);
  // 20 bits rate, 3 bits channels − 1, 5 bits sample size − 1, 36 bits samples
  const word = view.getUint32(10);
  const sampleRateHz = word >>> 12;
  const channels = ((word >>> 9) & 7) + 1;
  const bitsPerSample = ((word >>> 4) & 31) + 1;
  const sampleCount = (word & 15) * 2 ** 32 + view.getUint32(14);
  if (sampleRateHz < MIN_RATE_HZ || sampleRateHz > MAX_RATE_HZ) {
    const expected = `expected a sample rate of ${MIN_RATE_HZ} to ${MAX_RATE_HZ} Hz`;
    throw new QwenAsrError('audio', `${label}: ${expected}, found ${sampleRateHz}`);
  }
  if (bitsPerSample < 4) {
    throw new QwenAsrError('audio', `${label}: expected samples of 4 to 32 bits, found ${bitsPerSample}`);
  }
  return { sampleRateHz, channels, bitsPerSample, sampleCount: sampleCount === 0 ? null : sampleCount };
}

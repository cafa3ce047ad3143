import { QwenAsrError } from '../../error.js';
import type { ByteReader } from '../byteReader.js';
import { checkHeaderRate, MAX_RATE_HZ, MIN_RATE_HZ } from '../resample.js';
import { flacHeaderChecksum } from './flacBits.js';

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
  checkHeaderRate(sampleRateHz, label);
  if (bitsPerSample < 4) {
    throw new QwenAsrError('audio', `${label}: expected samples of 4 to 32 bits, found ${bitsPerSample}`);
  }
  return { sampleRateHz, channels, bitsPerSample, sampleCount: sampleCount === 0 ? null : sampleCount };
}

/** How the two channels of a frame were made into subframes; `none`: each stands for itself. */
export type Decorrelation = 'none' | 'leftSide' | 'sideRight' | 'midSide';

export interface FlacFrameHeader extends FlacFormat {
  /** Samples a channel. */
  readonly blockSamples: number;
  readonly decorrelation: Decorrelation;
  readonly headerBytes: number;
}

/** Channel assignments 8, 9 and 10; below, the number of channels − 1. */
const DECORRELATIONS: readonly Decorrelation[] = ['leftSide', 'sideRight', 'midSide'];
/** Rates in Hz by code; 0 stands for that of the stream, 12 to 14 for a number behind the header. */
const RATES_HZ = [0, 88_200, 176_400, 192_000, 8000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000];
/** Sample sizes by code; 0 stands for that of the stream, undefined is reserved. */
const SAMPLE_BITS = [0, 8, 12, undefined, 16, 20, 24, 32];

/**
 * Reads a frame header (RFC 9639 §9.1).
 *
 * @param stream what a frame is like that does not say otherwise. Rate, sample size and channels may change from frame to
 * frame.
 * @returns undefined where there is none: no sync code, a reserved value, a wrong checksum, or a rate out of range.
 */
export function readFlacFrameHeader(
  bytes: Uint8Array,
  at: number,
  stream: FlacFormat,
): FlacFrameHeader | undefined {
  if (bytes[at] !== 0xff || (bytes[at + 1]! & 0xfe) !== 0xf8) return undefined;
  const codes = bytes[at + 2]!;
  const channelsAndSize = bytes[at + 3]!;
  if ((channelsAndSize & 1) !== 0) return undefined;
  const layout = channelLayout(channelsAndSize >> 4);
  const bits = SAMPLE_BITS[(channelsAndSize >> 1) & 7];
  if (layout === undefined || bits === undefined) return undefined;
  const numberBytes = codedNumberBytes(bytes[at + 4]!);
  if (numberBytes === 0) return undefined;
  let next = at + 4 + numberBytes;
  const blockCode = codes >> 4;
  const blockSamples = blockSize(blockCode, bytes, next);
  next += blockCode === 6 ? 1 : blockCode === 7 ? 2 : 0;
  const rateCode = codes & 15;
  const sampleRateHz = rateCode === 0 ? stream.sampleRateHz : rate(rateCode, bytes, next);
  if (sampleRateHz < MIN_RATE_HZ || sampleRateHz > MAX_RATE_HZ) return undefined;
  next += rateCode === 12 ? 1 : rateCode > 12 ? 2 : 0;
  if (blockSamples === 0 || next >= bytes.length) return undefined;
  if (flacHeaderChecksum(bytes, at, next) !== bytes[next]) return undefined;
  const bitsPerSample = bits === 0 ? stream.bitsPerSample : bits;
  return { ...layout, blockSamples, sampleRateHz, bitsPerSample, headerBytes: next + 1 - at };
}

function channelLayout(code: number): { channels: number; decorrelation: Decorrelation } | undefined {
  if (code < 8) return { channels: code + 1, decorrelation: 'none' };
  const decorrelation = DECORRELATIONS[code - 8];
  return decorrelation === undefined ? undefined : { channels: 2, decorrelation };
}

/** Bytes of the frame's or sample's number, which is written like a UTF-8 character; 0 when it is not one. */
function codedNumberBytes(first: number): number {
  const ones = Math.clz32(~(first << 24));
  return ones === 0 ? 1 : ones >= 2 && ones <= 7 ? ones : 0;
}

/** Samples by code: powers of two, multiples of 576, or a number behind the header; 0 is reserved. */
function blockSize(code: number, bytes: Uint8Array, at: number): number {
  if (code === 1) return 192;
  if (code >= 2 && code <= 5) return 144 << code;
  if (code === 6) return (bytes[at] ?? 0) + 1;
  if (code === 7) return (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0) + 1;
  return code === 0 ? 0 : 1 << code;
}

/** Rate in Hz by code; 0 for the reserved one. */
function rate(code: number, bytes: Uint8Array, at: number): number {
  if (code === 12) return (bytes[at] ?? 0) * 1000;
  const sixteen = (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0);
  if (code === 13) return sixteen;
  return code === 14 ? sixteen * 10 : (RATES_HZ[code] ?? 0);
}

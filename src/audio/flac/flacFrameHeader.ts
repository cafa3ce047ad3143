import { flacHeaderChecksum } from './flacChecksums.js';
import type { FlacStreamInfo } from './flacStreamInfo.js';

/** How the two channels of a frame were made into subframes; `none`: each stands for itself. */
export type Decorrelation = 'none' | 'leftSide' | 'sideRight' | 'midSide';

export interface FlacFrameHeader {
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
 * @returns undefined where there is none: no sync code, a reserved value, a wrong checksum, or another rate, sample size
 * or number of channels than the stream has (none of which occurs in files, so that it rather tells a false sync code).
 */
export function readFlacFrameHeader(
  bytes: Uint8Array,
  at: number,
  info: FlacStreamInfo,
): FlacFrameHeader | undefined {
  if (bytes[at] !== 0xff || (bytes[at + 1]! & 0xfe) !== 0xf8) return undefined;
  const codes = bytes[at + 2]!;
  const channelsAndSize = bytes[at + 3]!;
  if ((channelsAndSize & 1) !== 0) return undefined;
  const layout = channelLayout(channelsAndSize >> 4);
  const bits = SAMPLE_BITS[(channelsAndSize >> 1) & 7];
  if (layout?.channels !== info.channels) return undefined;
  if (bits === undefined || (bits !== 0 && bits !== info.bitsPerSample)) return undefined;
  const numberBytes = codedNumberBytes(bytes[at + 4]!);
  if (numberBytes === 0) return undefined;
  let next = at + 4 + numberBytes;
  const blockCode = codes >> 4;
  const blockSamples = blockSize(blockCode, bytes, next);
  next += blockCode === 6 ? 1 : blockCode === 7 ? 2 : 0;
  const rateCode = codes & 15;
  if (!isRate(rateCode, bytes, next, info.sampleRateHz)) return undefined;
  next += rateCode === 12 ? 1 : rateCode > 12 ? 2 : 0;
  if (blockSamples === 0 || next >= bytes.length) return undefined;
  if (flacHeaderChecksum(bytes, at, next) !== bytes[next]) return undefined;
  return { blockSamples, decorrelation: layout.decorrelation, headerBytes: next + 1 - at };
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

function isRate(code: number, bytes: Uint8Array, at: number, rateHz: number): boolean {
  if (code === 12) return (bytes[at] ?? 0) * 1000 === rateHz;
  const sixteen = (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0);
  if (code === 13) return sixteen === rateHz;
  if (code === 14) return sixteen * 10 === rateHz;
  return code === 0 || RATES_HZ[code] === rateHz;
}

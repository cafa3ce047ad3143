import { QwenAsrError } from '../error.js';
import type { MixMeter } from './mixMeter.js';
import { checkHeaderRate } from './resample.js';

/** How the samples of a WAV file are written. */
export interface WavFormat {
  /** `pcm`: integers, unsigned in 8 bits, signed above; `float`: IEEE 754. */
  readonly encoding: 'pcm' | 'float';
  readonly littleEndian: boolean;
  /** Bits a sample occupies: 8, 16, 24 or 32 (pcm), 32 or 64 (float). Fewer valid bits are left-justified in them. */
  readonly bitsPerSample: number;
  readonly channels: number;
  readonly sampleRateHz: number;
  /** Bytes of one sample of every channel. */
  readonly frameBytes: number;
}

/** Samples that are not read here: what they are, for messages. */
export interface ForeignSamples {
  readonly foreign: string;
}

/** Format tags of mmreg.h that are met in WAV files; only the first two and EXTENSIBLE are read. */
const FORMAT_PCM = 1;
const FORMAT_FLOAT = 3;
const FORMAT_EXTENSIBLE = 0xfffe;
const COMPRESSED_FORMATS: Readonly<Record<number, string>> = {
  2: 'Microsoft ADPCM',
  6: 'A-law',
  7: 'mu-law',
  17: 'IMA ADPCM',
  49: 'GSM 6.10',
  80: 'MPEG',
  85: 'MP3',
};

/** Length of WAVEFORMAT, and of WAVEFORMATEXTENSIBLE, which ends with a GUID that begins with the real format tag. */
const PLAIN_BYTES = 16;
const EXTENSIBLE_BYTES = 40;
const SUBFORMAT_OFFSET = 24;
/** Bytes 2 to 15 of KSDATAFORMAT_SUBTYPE_PCM and KSDATAFORMAT_SUBTYPE_IEEE_FLOAT (ksmedia.h). */
const SUBFORMAT_TAIL = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71];
/** The same of SUBTYPE_AMBISONIC_B_FORMAT_PCM and _IEEE_FLOAT. */
const AMBISONIC_TAIL = [0, 0, 0x21, 7, 0xd3, 0x11, 0x86, 0x44, 0xc8, 0xc1, 0xca, 0, 0, 0];

const CONTAINER_BITS = { pcm: [8, 16, 24, 32], float: [32, 64] };

/**
 * Reads and checks the content of a `fmt ` chunk. A block size of 0 is that which channels and bits need.
 *
 * @param bytes the chunk's content, as far as it is there.
 * @param label names the file in errors.
 * @returns what the samples are, where they are not PCM or float.
 * @throws QwenAsrError `audio` for a chunk that is cut short, other widths than PCM 8/16/24/32 and float 32/64, no
 * channels, a rate that cannot be resampled, or a block size that contradicts channels and bits.
 * @example
 * const format = readWavFormat(bytes.subarray(20, 36), 'clip.wav');
 */
export function readWavFormat(
  bytes: Uint8Array,
  label: string,
  littleEndian = true,
): WavFormat | ForeignSamples {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < PLAIN_BYTES) {
    const expected = `expected at least ${PLAIN_BYTES} bytes in the "fmt " chunk`;
    throw new QwenAsrError('audio', `${label}: ${expected}, found ${bytes.length}`);
  }
  const encoding = readEncoding(view, label, littleEndian);
  if (typeof encoding === 'object') return encoding;
  const channels = view.getUint16(2, littleEndian);
  const sampleRateHz = view.getUint32(4, littleEndian);
  const statedBits = view.getUint16(14, littleEndian);
  const frameBytes = view.getUint16(12, littleEndian) || channels * Math.ceil(statedBits / 8);
  if (channels === 0) throw new QwenAsrError('audio', `${label}: expected at least 1 channel, found 0`);
  checkHeaderRate(sampleRateHz, label);
  // The block size decides: the stated bits may be fewer than a sample occupies (12 in 16, 24 in 32).
  const bitsPerSample = (frameBytes / channels) * 8;
  const leastBits = encoding === 'float' ? bitsPerSample : 1;
  if (
    !CONTAINER_BITS[encoding].includes(bitsPerSample) ||
    statedBits < leastBits ||
    statedBits > bitsPerSample
  ) {
    const expected = `expected ${encoding} samples of ${CONTAINER_BITS[encoding].join(', ')} bits`;
    const found = `${statedBits} bits in blocks of ${frameBytes} bytes for ${channels} channel(s)`;
    throw new QwenAsrError('audio', `${label}: ${expected}, found ${found}`);
  }
  return { encoding, littleEndian, bitsPerSample, channels, sampleRateHz, frameBytes };
}

function readEncoding(
  view: DataView,
  label: string,
  littleEndian: boolean,
): 'pcm' | 'float' | ForeignSamples {
  let tag = view.getUint16(0, littleEndian);
  if (tag === FORMAT_EXTENSIBLE) {
    if (view.byteLength < EXTENSIBLE_BYTES) {
      const expected = `expected ${EXTENSIBLE_BYTES} bytes in the extensible "fmt " chunk`;
      throw new QwenAsrError('audio', `${label}: ${expected}, found ${view.byteLength}`);
    }
    tag = view.getUint16(SUBFORMAT_OFFSET, littleEndian);
    if (hasTail(view, AMBISONIC_TAIL)) return { foreign: 'ambisonic samples' };
    if (!hasTail(view, SUBFORMAT_TAIL)) return { foreign: 'samples of an unknown subformat' };
  }
  if (tag === FORMAT_PCM) return 'pcm';
  if (tag === FORMAT_FLOAT) return 'float';
  const name = COMPRESSED_FORMATS[tag];
  return {
    foreign:
      name === undefined ? `samples of the format 0x${tag.toString(16).padStart(4, '0')}` : `${name} samples`,
  };
}

function hasTail(view: DataView, tail: readonly number[]): boolean {
  return tail.every((byte, i) => view.getUint8(SUBFORMAT_OFFSET + 2 + i) === byte);
}

/** The sample at byte `at`, full scale = 1. */
type SampleReader = (view: DataView, at: number) => number;

/**
 * Samples of a WAV file as mono: the mean of the channels, integers divided by 2^(bits − 1).
 *
 * @param bytes the samples; a partial frame at the end is ignored.
 * @param meter counts float samples that are no numbers, which become 0, and compares the channels.
 * @returns [frames] f32 at the file's rate. Integers lie in [-1, 1); floats are as found, so they may exceed 1.
 * @example
 * const header = parseWavHeader(bytes, 'clip.wav');
 * const { dataOffset, dataBytes } = header;
 * const meter = new MixMeter('clip.wav');
 * const mono = decodePcm(bytes.subarray(dataOffset, dataOffset + dataBytes), header, meter);
 */
export function decodePcm(bytes: Uint8Array, format: WavFormat, meter: MixMeter): Float32Array {
  const { channels, frameBytes, sampleRateHz } = format;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const read = readerOf(format);
  const sampleBytes = frameBytes / channels;
  const mono = new Float32Array(Math.floor(bytes.length / frameBytes));
  let at = 0;
  let squares = 0;
  for (let frame = 0; frame < mono.length; frame++) {
    let sum = 0;
    for (let channel = 0; channel < channels; channel++, at += sampleBytes) {
      const value = meter.checked(read(view, at));
      sum += value;
      squares += value * value;
    }
    mono[frame] = sum / channels;
  }
  meter.compare(mono, squares, channels, sampleRateHz);
  return mono;
}

function readerOf({ encoding, bitsPerSample, littleEndian }: WavFormat): SampleReader {
  if (encoding === 'float') {
    return bitsPerSample === 32
      ? (view, at) => view.getFloat32(at, littleEndian)
      : (view, at) => view.getFloat64(at, littleEndian);
  }
  switch (bitsPerSample) {
    case 8:
      return (view, at) => (view.getUint8(at) - 128) / 128;
    case 16:
      return (view, at) => view.getInt16(at, littleEndian) / 0x8000;
    case 24: {
      const [high, low] = littleEndian ? [2, 0] : [0, 1];
      return (view, at) =>
        ((view.getInt8(at + high) << 16) | view.getUint16(at + low, littleEndian)) / 0x800000;
    }
    default:
      return (view, at) => view.getInt32(at, littleEndian) / 0x80000000;
  }
}

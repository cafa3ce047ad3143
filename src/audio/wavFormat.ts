import { QwenAsrError } from '../error.js';
import { MAX_RATE_HZ, MIN_RATE_HZ } from './resample.js';

/** How the samples of a WAV file are written. */
export interface WavFormat {
  /** `pcm`: integers, unsigned in 8 bits, signed above; `float`: IEEE 754. Little-endian. */
  readonly encoding: 'pcm' | 'float';
  /** Bits a sample occupies: 8, 16, 24 or 32 (pcm), 32 or 64 (float). Fewer valid bits are left-justified in them. */
  readonly bitsPerSample: number;
  readonly channels: number;
  readonly sampleRateHz: number;
  /** Bytes of one sample of every channel. */
  readonly frameBytes: number;
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

const CONTAINER_BITS = { pcm: [8, 16, 24, 32], float: [32, 64] };

/**
 * Reads and checks the content of a `fmt ` chunk.
 *
 * @param view the file; the chunk's content is [start, start + size) of it.
 * @param label names the file in errors.
 * @throws QwenAsrError `audio` for a chunk that is cut short, a format other than PCM 8/16/24/32 and float 32/64, no
 * channels, a rate that cannot be resampled, or a block size that contradicts channels and bits.
 * @example
 * const format = readWavFormat(view, { start: 20, size: 16 }, 'clip.wav');
 */
export function readWavFormat(
  view: DataView,
  { start, size }: { readonly start: number; readonly size: number },
  label: string,
): WavFormat {
  const present = Math.min(size, view.byteLength - start);
  if (present < PLAIN_BYTES) {
    const expected = `expected at least ${PLAIN_BYTES} bytes in the "fmt " chunk`;
    throw new QwenAsrError('audio', `${label}: ${expected}, found ${Math.max(0, present)}`);
  }
  const encoding = readEncoding(view, start, present, label);
  const channels = view.getUint16(start + 2, true);
  const sampleRateHz = view.getUint32(start + 4, true);
  const frameBytes = view.getUint16(start + 12, true);
  const statedBits = view.getUint16(start + 14, true);
  if (channels === 0) throw new QwenAsrError('audio', `${label}: expected at least 1 channel, found 0`);
  if (sampleRateHz < MIN_RATE_HZ || sampleRateHz > MAX_RATE_HZ) {
    const expected = `expected a sample rate of ${MIN_RATE_HZ} to ${MAX_RATE_HZ} Hz`;
    throw new QwenAsrError('audio', `${label}: ${expected}, found ${sampleRateHz}`);
  }
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
  return { encoding, bitsPerSample, channels, sampleRateHz, frameBytes };
}

function readEncoding(view: DataView, start: number, present: number, label: string): 'pcm' | 'float' {
  let tag = view.getUint16(start, true);
  if (tag === FORMAT_EXTENSIBLE) {
    if (present < EXTENSIBLE_BYTES) {
      const expected = `expected ${EXTENSIBLE_BYTES} bytes in the extensible "fmt " chunk`;
      throw new QwenAsrError('audio', `${label}: ${expected}, found ${present}`);
    }
    tag = view.getUint16(start + SUBFORMAT_OFFSET, true);
    const known = SUBFORMAT_TAIL.every((byte, i) => view.getUint8(start + SUBFORMAT_OFFSET + 2 + i) === byte);
    if (!known) {
      throw new QwenAsrError('audio', `${label}: expected a PCM or float subformat, found an unknown GUID`);
    }
  }
  if (tag === FORMAT_PCM) return 'pcm';
  if (tag === FORMAT_FLOAT) return 'float';
  const found = COMPRESSED_FORMATS[tag] ?? `format 0x${tag.toString(16).padStart(4, '0')}`;
  throw new QwenAsrError(
    'audio',
    `${label}: expected PCM or float samples, found ${found}; convert it first`,
  );
}

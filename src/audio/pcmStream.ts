import { QwenAsrError } from '../error.js';
import type { BytePieces } from './byteReader.js';
import { MixMeter } from './mixMeter.js';
import { MAX_RATE_HZ, MIN_RATE_HZ } from './resample.js';
import { decodePcm, readWavFormat, type WavFormat } from './wavFormat.js';

/** Samples that come from a pipe, as they come. */
export interface PcmStream {
  readonly sampleRateHz: number;
  /** [any] f32 each: the mean of the channels. */
  readonly blocks: AsyncIterable<Float32Array>;
}

/** Headers are far shorter; what is not sound by then is none. */
const MAX_HEADER_BYTES = 2 ** 20;

/** Programs that write into a pipe do not know the length: 0, or all ones. */
const UNKNOWN_BYTES = [0, 0xffffffff];

const RAW_TYPES: Readonly<Record<string, Pick<WavFormat, 'encoding' | 'bitsPerSample'>>> = {
  u8: { encoding: 'pcm', bitsPerSample: 8 },
  s16le: { encoding: 'pcm', bitsPerSample: 16 },
  s24le: { encoding: 'pcm', bitsPerSample: 24 },
  s32le: { encoding: 'pcm', bitsPerSample: 32 },
  f32le: { encoding: 'float', bitsPerSample: 32 },
};

/**
 * How raw samples are written: `TYPE:RATE[:CHANNELS]`.
 *
 * @returns null for anything else
 * @example
 * parseRawFormat('s16le:16000')?.channels; // 1
 */
export function parseRawFormat(text: string): WavFormat | null {
  const [type = '', rate = '', channelCount = '1', ...more] = text.split(':');
  const samples = Object.hasOwn(RAW_TYPES, type) ? RAW_TYPES[type] : undefined;
  const [sampleRateHz, channels] = [rate, channelCount].map((part) =>
    /^\d+$/.test(part) ? Number(part) : 0,
  );
  const isRate = sampleRateHz! >= MIN_RATE_HZ && sampleRateHz! <= MAX_RATE_HZ;
  if (samples === undefined || !isRate || !(channels! >= 1 && channels! <= 64) || more.length > 0)
    return null;
  const frameBytes = (samples.bitsPerSample / 8) * channels!;
  return { ...samples, littleEndian: true, channels: channels!, sampleRateHz: sampleRateHz!, frameBytes };
}

/**
 * Samples of raw bytes.
 *
 * @param label names them in errors
 */
export function rawPcmStream(pieces: BytePieces, format: WavFormat, label: string): PcmStream {
  return {
    sampleRateHz: format.sampleRateHz,
    blocks: decoded(pieces, format, label, Number.POSITIVE_INFINITY),
  };
}

/**
 * Samples of a WAV file that is still being written into a pipe. What its header says of the length is believed, unless
 * it says what programs say that do not know it.
 *
 * @param label names it in errors
 * @throws QwenAsrError `audio` for bytes that are no WAV file, or one of another encoding than PCM and float
 */
export async function wavStream(pieces: BytePieces, label: string): Promise<PcmStream> {
  const source = pieces[Symbol.asyncIterator]();
  let head = new Uint8Array(0);
  for (;;) {
    const header = readHeader(head, label);
    if (header !== null) {
      const { format, start, byteLength } = header;
      const rest = followedBy(head.subarray(start), source);
      return { sampleRateHz: format.sampleRateHz, blocks: decoded(rest, format, label, byteLength) };
    }
    const next = await source.next();
    if (next.done === true)
      throw noWav(label, head.length === 0 ? 'nothing' : `the end after ${head.length} bytes`);
    head = joined(head, next.value);
    if (head.length > MAX_HEADER_BYTES) throw noWav(label, 'no "data" chunk in the first megabyte');
  }
}

/** The format and where the samples begin; null while more bytes are needed. */
function readHeader(
  bytes: Uint8Array,
  label: string,
): { format: WavFormat; start: number; byteLength: number } | null {
  if (bytes.length < 12) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const name = (at: number): string => String.fromCharCode(...bytes.subarray(at, at + 4));
  if (!['RIFF', 'RF64'].includes(name(0)) || name(8) !== 'WAVE') {
    throw noWav(label, `${JSON.stringify(name(0))}; raw samples need their format`);
  }
  let format: WavFormat | undefined;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const size = view.getUint32(at + 4, true);
    const start = at + 8;
    if (name(at) === 'data') {
      if (format === undefined) throw noWav(label, 'samples before their format');
      const byteLength = UNKNOWN_BYTES.includes(size) ? Number.POSITIVE_INFINITY : size;
      return { format, start, byteLength };
    }
    if (start + size > bytes.length) return null;
    if (name(at) === 'fmt ') format = soundFormat(bytes.subarray(start, start + size), label);
    at = start + size + (size % 2);
  }
  return null;
}

function soundFormat(bytes: Uint8Array, label: string): WavFormat {
  const format = readWavFormat(bytes, label);
  if ('foreign' in format) throw noWav(label, format.foreign);
  return format;
}

/** Whole frames of the pieces, at most so many bytes. */
async function* decoded(
  pieces: BytePieces,
  format: WavFormat,
  label: string,
  byteLength: number,
): AsyncGenerator<Float32Array, void, undefined> {
  const meter = new MixMeter(label);
  let rest = new Uint8Array(0);
  let left = byteLength;
  for await (const piece of pieces) {
    const bytes = joined(rest, piece.subarray(0, Math.min(piece.length, left)));
    left -= piece.length;
    const whole = bytes.length - (bytes.length % format.frameBytes);
    if (whole > 0) yield decodePcm(bytes.subarray(0, whole), format, meter);
    if (left <= 0) return;
    rest = bytes.slice(whole);
  }
}

async function* followedBy(
  first: Uint8Array,
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    if (first.length > 0) yield first;
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

function noWav(label: string, found: string): QwenAsrError {
  return new QwenAsrError('audio', `${label}: expected a WAV file of PCM or float samples, found ${found}`);
}

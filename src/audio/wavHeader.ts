import { QwenAsrError } from '../error.js';
import { readWavFormat, type WavFormat } from './wavFormat.js';

/** Where the samples of a WAV file are and how they are written. */
export interface WavHeader extends WavFormat {
  /** First byte of the samples. */
  readonly dataOffset: number;
  /** Bytes of samples present in the file: whole frames, at least one. */
  readonly dataBytes: number;
  /** Bytes of samples that the file says it holds, or null where its writer could not know that. */
  readonly claimedBytes: number | null;
}

/** The content of a chunk is [start, start + size); the claim may go beyond the end of the file. */
interface Chunk {
  readonly id: string;
  readonly start: number;
  readonly size: number;
}

/** What writers to a pipe put where they cannot know the size; RF64 does so too and tells it in a `ds64` chunk. */
const UNKNOWN_SIZE = 0xffffffff;
/** Such writers also put 2^31 less a header; a claim so near to the limits of the format is no length. */
const UNBELIEVABLE_SIZE = 0x7fff0000;
const RIFF_HEADER_BYTES = 12;
const CHUNK_HEADER_BYTES = 8;
/** Offset of the data size in a `ds64` chunk (EBU Tech 3306). */
const DS64_DATA_SIZE = 8;

/**
 * Finds format and samples of a WAV file (RIFF, RF64 or BW64).
 *
 * Chunks may come in any order and number, with or without the pad byte after an odd size; the first `fmt ` and the
 * first `data` count. A data chunk that claims more than the file holds (a recording cut short) yields the whole frames
 * that are there, and so does one of size 0 or 0xFFFFFFFF with samples behind it (a writer to a pipe). The RIFF chunk's
 * own size is not used, for the same reason. Time is linear in the number of chunks; nothing is copied.
 *
 * @param bytes the file, or its beginning up to the first samples.
 * @param label names the file in errors.
 * @param fileBytes length of the whole file when `bytes` is only its beginning.
 * @throws QwenAsrError `audio`: not a WAV file, a sample format that is not supported, or no samples.
 * @example
 * const { sampleRateHz, channels, dataOffset, dataBytes } = parseWavHeader(bytes, 'clip.wav');
 */
export function parseWavHeader(
  bytes: Uint8Array,
  label: string,
  fileBytes: number = bytes.length,
): WavHeader {
  checkMagic(bytes, label);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let format: WavFormat | undefined;
  let data: Chunk | undefined;
  let dataSize64: number | undefined;
  for (let at = RIFF_HEADER_BYTES; format === undefined || data === undefined; ) {
    const chunk = readChunk(view, at, dataSize64);
    if (chunk === undefined) break;
    if (chunk.id === 'ds64') dataSize64 ??= readDs64(view, chunk);
    if (chunk.id === 'fmt ') format ??= readWavFormat(view, chunk, label);
    if (chunk.id === 'data') data ??= chunk;
    at = endOf(chunk, view);
  }
  if (format === undefined) throw new QwenAsrError('audio', `${label}: expected a "fmt " chunk, found none`);
  if (data === undefined) throw new QwenAsrError('audio', `${label}: expected a "data" chunk, found none`);
  const dataBytes = presentBytes(data, view, fileBytes);
  const partialFrame = dataBytes % format.frameBytes;
  if (dataBytes === partialFrame) {
    throw new QwenAsrError('audio', `${label}: expected samples in the "data" chunk, found none`);
  }
  const claimedBytes = data.size === 0 || isUnbelievable(data.size) ? null : data.size;
  return { ...format, dataOffset: data.start, dataBytes: dataBytes - partialFrame, claimedBytes };
}

function isUnbelievable(size: number): boolean {
  return size >= UNBELIEVABLE_SIZE && size <= UNKNOWN_SIZE;
}

function checkMagic(bytes: Uint8Array, label: string): void {
  if (bytes.length === 0)
    throw new QwenAsrError('audio', `${label}: expected a WAV file, found an empty one`);
  const container = fourCharacters(bytes, 0);
  const known = container === 'RIFF' || container === 'RF64' || container === 'BW64';
  if (known && fourCharacters(bytes, CHUNK_HEADER_BYTES) === 'WAVE') return;
  const found = known
    ? `${container} of type "${fourCharacters(bytes, CHUNK_HEADER_BYTES)}"`
    : `"${container}"`;
  throw new QwenAsrError(
    'audio',
    `${label}: expected a WAV file (RIFF, RF64 or BW64 of type "WAVE"), found ${found}`,
  );
}

/** The chunk whose header is at `at`, or undefined when the bytes end before it does. */
function readChunk(view: DataView, at: number, dataSize64?: number): Chunk | undefined {
  if (at + CHUNK_HEADER_BYTES > view.byteLength) return undefined;
  const id = String.fromCharCode(...[0, 1, 2, 3].map((i) => view.getUint8(at + i)));
  const size = view.getUint32(at + 4, true);
  const in64Bits = id === 'data' && size === UNKNOWN_SIZE && dataSize64 !== undefined && dataSize64 > 0;
  return { id, start: at + CHUNK_HEADER_BYTES, size: in64Bits ? dataSize64 : size };
}

/**
 * Where the next chunk begins: after the pad byte that makes sizes even, unless a writer forgot it, which shows in a
 * chunk name that begins where the pad byte, a zero, belongs.
 */
function endOf({ start, size }: Chunk, view: DataView): number {
  const end = start + size;
  if (size % 2 === 0) return end;
  const unpadded = readChunk(view, end);
  return unpadded !== undefined && /^(fmt |data|LIST|fact|ds64)$/.test(unpadded.id) ? end : end + 1;
}

function readDs64(view: DataView, { start, size }: Chunk): number | undefined {
  const at = start + DS64_DATA_SIZE;
  if (size < DS64_DATA_SIZE + 8 || at + 8 > view.byteLength) return undefined;
  return view.getUint32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);
}

/** Bytes of the data chunk that the file really has. */
function presentBytes(data: Chunk, view: DataView, fileBytes: number): number {
  const rest = Math.max(0, fileBytes - data.start);
  if (data.size === 0) return isChunkList(data.start, view, fileBytes) ? 0 : rest;
  return data.size === UNKNOWN_SIZE ? rest : Math.min(data.size, rest);
}

/** Whether well-formed chunks fill the file from `at` to its end: then a data chunk of size 0 before them is empty. */
function isChunkList(at: number, view: DataView, fileBytes: number): boolean {
  for (let next = at; next < fileBytes; ) {
    const chunk = readChunk(view, next);
    if (chunk === undefined || !/^[ -~]{4}$/.test(chunk.id)) return false;
    if (chunk.start + chunk.size > fileBytes) return false;
    next = endOf(chunk, view);
  }
  return true;
}

/** Four bytes as text, with `\xNN` for what is not printable ASCII. */
function fourCharacters(bytes: Uint8Array, at: number): string {
  return Array.from(bytes.subarray(at, at + 4), (byte) =>
    byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`,
  ).join('');
}

import { QwenAsrError } from '../error.js';
import type { ByteSource } from './byteReader.js';

/** Bytes [at, at + length) of a file. */
interface FileRange {
  readonly at: number;
  readonly length: number;
}

/**
 * A search in a file of which only what is looked at is read: yields a range and is given its bytes, fewer at the end of
 * the file. The same search runs in memory, without waiting, and in files.
 */
export type ByteSearch<T> = Generator<FileRange, T, Uint8Array>;

/** Bytes read at a time: neighbouring ranges then need no further reading. */
const PAGE_BYTES = 65_536;

/** Runs a search in bytes in memory. */
export function searchBytes<T>(search: ByteSearch<T>, bytes: Uint8Array): T {
  let step = search.next();
  while (step.done !== true) {
    const { at, length } = step.value;
    step = search.next(bytes.subarray(at, at + length));
  }
  return step.value;
}

/**
 * Runs a search in the bytes of a source from `offset` on.
 *
 * @throws what the search and the source throw.
 */
export async function searchSource<T>(search: ByteSearch<T>, source: ByteSource, offset: number): Promise<T> {
  let page: Uint8Array = new Uint8Array(0);
  let pageAt = 0;
  let step = search.next();
  while (step.done !== true) {
    const { at, length } = step.value;
    if (at < pageAt || at + length > pageAt + page.length) {
      page = await source.read(offset + at, Math.max(length, PAGE_BYTES));
      pageAt = at;
    }
    step = search.next(page.subarray(at - pageAt, at - pageAt + length));
  }
  return step.value;
}

/** The same search where its file begins at byte `offset` of another. */
export function* shifted<T>(search: ByteSearch<T>, offset: number): ByteSearch<T> {
  let step = search.next();
  while (step.done !== true) {
    const { at, length } = step.value;
    step = search.next(yield { at: at + offset, length });
  }
  return step.value;
}

/** The content of a chunk is [start, start + size); the claim may go beyond the end of the file. */
export interface RiffChunk {
  readonly id: string;
  readonly start: number;
  readonly size: number;
}

/** The marks that WAV files begin with, and the order of bytes in their numbers. */
const LITTLE_ENDIAN: Readonly<Record<string, boolean>> = { RIFF: true, RF64: true, BW64: true, RIFX: false };
const CHUNK_HEADER_BYTES = 8;

/** Whether a file or chunk of this name may be a WAV file. */
export function isRiffMark(id: string): boolean {
  return LITTLE_ENDIAN[id] !== undefined;
}

/**
 * Reads the mark of a WAV file.
 *
 * @returns whether its numbers are little-endian.
 * @throws QwenAsrError `audio` for another file.
 */
export function* readRiffMark(label: string): ByteSearch<boolean> {
  const bytes = yield { at: 0, length: CHUNK_HEADER_BYTES + 4 };
  if (bytes.length === 0) {
    throw new QwenAsrError('audio', `${label}: expected a WAV file, found an empty one`);
  }
  const container = fourCharacters(bytes, 0);
  const kind = fourCharacters(bytes, CHUNK_HEADER_BYTES);
  const littleEndian = LITTLE_ENDIAN[container];
  if (littleEndian !== undefined && kind === 'WAVE') return littleEndian;
  const found = littleEndian !== undefined ? `${container} of type "${kind}"` : `"${container}"`;
  const expected = 'expected a WAV file (RIFF, RIFX, RF64 or BW64 of type "WAVE")';
  throw new QwenAsrError('audio', `${label}: ${expected}, found ${found}`);
}

/** The chunk whose header is at `at`, or undefined when the file ends before it does. */
export function* readRiffChunk(at: number, littleEndian: boolean): ByteSearch<RiffChunk | undefined> {
  const bytes = yield { at, length: CHUNK_HEADER_BYTES };
  if (bytes.length < CHUNK_HEADER_BYTES) return undefined;
  const id = String.fromCharCode(...bytes.subarray(0, 4));
  const size = new DataView(bytes.buffer, bytes.byteOffset, CHUNK_HEADER_BYTES).getUint32(4, littleEndian);
  return { id, start: at + CHUNK_HEADER_BYTES, size };
}

/**
 * Where the next chunk begins: after the pad byte that makes sizes even, unless a writer forgot it, which shows in a
 * chunk name that begins where the pad byte, a zero, belongs.
 */
export function* endOfChunk({ start, size }: RiffChunk, littleEndian: boolean): ByteSearch<number> {
  const end = start + size;
  if (size % 2 === 0) return end;
  const unpadded = yield* readRiffChunk(end, littleEndian);
  const isChunk = unpadded !== undefined && /^(fmt |data|LIST|fact|ds64|RIF[FX])$/.test(unpadded.id);
  return isChunk ? end : end + 1;
}

/** Four bytes as text, with `\xNN` for what is not printable ASCII. */
function fourCharacters(bytes: Uint8Array, at: number): string {
  return Array.from(bytes.subarray(at, at + 4), (byte) =>
    byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`,
  ).join('');
}

import { QwenAsrError } from '../error.js';
import { describeShape, quote } from './describe.js';
import { isObject, JsonCursor } from './modelText.js';

/*
 * The safetensors container (https://huggingface.co/docs/safetensors):
 *
 *   8 bytes            N, length of the header, unsigned little-endian
 *   N bytes            JSON: {"__metadata__": {…}, NAME: {"dtype", "shape", "data_offsets": [begin, end]}, …}
 *   the rest           the tensors' bytes, without gaps and without overlaps, little-endian, row-major
 */

/** Bytes before the header. */
const PREFIX_BYTES = 8;

/** Longest header that the format's reference implementation reads, in bytes. */
export const MAX_HEADER_BYTES = 100_000_000;

/** Headers are padded with spaces so that the tensors begin at a multiple of this many bytes. */
const DATA_ALIGNMENT = 8;

/** Most dimensions a tensor may have; 64 is the limit of the tensor libraries that write such files. */
const MAX_RANK = 64;

/** Bytes per element of the dtypes whose sizes this reader can check; others are taken as they come. */
const DTYPE_BYTES: ReadonlyMap<string, number> = new Map([
  ['BOOL', 1],
  ['U8', 1],
  ['I8', 1],
  ['F8_E4M3', 1],
  ['F8_E5M2', 1],
  ['I16', 2],
  ['U16', 2],
  ['F16', 2],
  ['BF16', 2],
  ['I32', 4],
  ['U32', 4],
  ['F32', 4],
  ['I64', 8],
  ['U64', 8],
  ['F64', 8],
  ['C64', 8],
]);

/** One tensor of a safetensors file. */
export interface SafetensorsEntry {
  readonly name: string;
  /** As the file spells it, for example `BF16`; not necessarily a known one. */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** First byte, counted from the start of the file. */
  readonly start: number;
  /** One past the last byte, counted from the start of the file. */
  readonly end: number;
}

/**
 * Reads and checks the header of a safetensors file. Afterwards every entry lies inside the file, entries do not
 * overlap, and sizes agree with shapes (for known dtypes).
 *
 * @param head The first bytes of the file: at least 8 + header length, or the whole file when it is shorter.
 * @param fileBytes Length of the file.
 * @param fileName For messages.
 * @returns Entries in the order of the header.
 * @throws QwenAsrError `model`, one line, whatever the bytes are.
 *
 * @example
 * const header = new TextEncoder().encode('{"x":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}}');
 * const file = new Uint8Array(8 + header.length + 4);
 * file[0] = header.length;
 * file.set(header, 8);
 * parseSafetensors(file, file.length, 'x.safetensors'); // [{ name: 'x', dtype: 'BF16', shape: [2], … }]
 */
export function parseSafetensors(head: Uint8Array, fileBytes: number, fileName: string): SafetensorsEntry[] {
  const headerBytes = readHeaderLength(head, fileBytes, fileName);
  const dataStart = PREFIX_BYTES + headerBytes;
  // A copy, because browsers decode no text in shared memory.
  const text = decodeHeader(head.slice(PREFIX_BYTES, dataStart), fileName);
  const place = { dataStart, fileBytes, fileName };
  const entries = readPlainHeader(text, place) ?? readHeader(new JsonCursor(text, fileName), place);
  checkCoverage(entries, dataStart, fileBytes, fileName);
  return entries;
}

/** A tensor of a file that is to be written. */
export interface TensorToWrite {
  readonly name: string;
  readonly dtype: 'U32' | 'BF16' | 'F16' | 'F32';
  readonly shape: readonly number[];
  readonly byteLength: number;
}

/**
 * The head of a safetensors file whose tensors follow in the order of the list.
 *
 * @param format what `__metadata__` calls the library that reads it
 */
export function safetensorsHead(tensors: Iterable<TensorToWrite>, format: 'pt' | 'mlx'): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: { format } };
  let offset = 0;
  for (const { name, dtype, shape, byteLength } of tensors) {
    header[name] = { dtype, shape, data_offsets: [offset, offset + byteLength] };
    offset += byteLength;
  }
  const json = JSON.stringify(header);
  const length = Math.ceil(json.length / DATA_ALIGNMENT) * DATA_ALIGNMENT;
  const bytes = new Uint8Array(PREFIX_BYTES + length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(new TextEncoder().encode(json.padEnd(length)), PREFIX_BYTES);
  return bytes;
}

/** N, checked against what the format and the file allow. */
function readHeaderLength(head: Uint8Array, fileBytes: number, fileName: string): number {
  if (fileBytes < PREFIX_BYTES || head.length < PREFIX_BYTES) {
    fail(fileName, `expected a safetensors file of at least ${PREFIX_BYTES} bytes, found ${fileBytes} bytes`);
  }
  const view = new DataView(head.buffer, head.byteOffset, PREFIX_BYTES);
  const headerBytes = Number(view.getBigUint64(0, true));
  if (headerBytes > MAX_HEADER_BYTES) {
    fail(
      fileName,
      `not a safetensors file: header length ${headerBytes} exceeds the limit of ${MAX_HEADER_BYTES} bytes`,
    );
  }
  if (headerBytes > fileBytes - PREFIX_BYTES || headerBytes > head.length - PREFIX_BYTES) {
    fail(
      fileName,
      `truncated: expected a header of ${headerBytes} bytes, found ${fileBytes - PREFIX_BYTES} bytes`,
    );
  }
  return headerBytes;
}

function decodeHeader(bytes: Uint8Array, fileName: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new QwenAsrError('model', `${fileName}: header is not UTF-8`, { cause });
  }
}

/** Where a header stands. */
interface HeaderPlace {
  readonly dataStart: number;
  readonly fileBytes: number;
  readonly fileName: string;
}

/** Longest header that is read by JSON.parse, in UTF-16 units: what a hostile one nests takes many times its memory. */
const MOST_PLAIN = 2 ** 22;

/**
 * A header as the format's libraries write it: JSON that reads the same when it is written again, so that no name is twice
 * in it, and padding. JSON.parse takes a tenth of the cursor's time.
 *
 * @returns undefined for any other header: the cursor says what is wrong with it, if anything
 */
function readPlainHeader(text: string, place: HeaderPlace): SafetensorsEntry[] | undefined {
  if (text.length > MOST_PLAIN) return undefined;
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch {
    return undefined;
  }
  const written = JSON.stringify(header);
  if (!isObject(header) || !text.startsWith(written) || !/^ *$/.test(text.slice(written.length))) {
    return undefined;
  }
  const entries: SafetensorsEntry[] = [];
  for (const [name, value] of Object.entries(header)) {
    if (name === '__metadata__') {
      if (!isObject(value) || !Object.values(value).every((item) => typeof item === 'string'))
        return undefined;
      continue;
    }
    if (!isObject(value) || Object.keys(value).length !== 3) return undefined;
    const { dtype, shape, data_offsets: offsets } = value;
    if (typeof dtype !== 'string' || !areSizes(shape, MAX_RANK) || !areSizes(offsets, 2)) return undefined;
    entries.push(entryOf({ name, dtype, shape, offsets }, place));
  }
  return entries;
}

/** Integers as the cursor takes them. */
function areSizes(value: unknown, most: number): value is number[] {
  if (!Array.isArray(value) || value.length > most) return false;
  return value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

function readHeader(cursor: JsonCursor, place: HeaderPlace): SafetensorsEntry[] {
  const entries: SafetensorsEntry[] = [];
  cursor.object((name) => {
    if (name === '__metadata__') cursor.object(() => cursor.string());
    else entries.push(readEntry(cursor, name, place));
  });
  cursor.end();
  return entries;
}

function readEntry(cursor: JsonCursor, name: string, place: HeaderPlace): SafetensorsEntry {
  const where = entryPlace(name, place);
  let dtype: string | undefined;
  let shape: number[] | undefined;
  let offsets: number[] | undefined;
  cursor.object((key) => {
    if (key === 'dtype') dtype = cursor.string();
    else if (key === 'shape') shape = readIntegers(cursor, MAX_RANK, `${where}: shape`);
    else if (key === 'data_offsets') offsets = readIntegers(cursor, 2, `${where}: data_offsets`);
    else fail(where, `expected dtype, shape and data_offsets, found ${quote(key)}`);
  });
  if (dtype === undefined || shape === undefined || offsets === undefined) {
    return fail(where, 'expected dtype, shape and data_offsets, found fewer');
  }
  return entryOf({ name, dtype, shape, offsets }, place);
}

function entryPlace(name: string, { fileName }: HeaderPlace): string {
  return `${fileName}: tensor ${quote(name)}`;
}

function entryOf(
  found: Pick<SafetensorsEntry, 'name' | 'dtype' | 'shape'> & { readonly offsets: readonly number[] },
  place: HeaderPlace,
): SafetensorsEntry {
  const { name, dtype, shape, offsets } = found;
  const [begin, end] = offsets;
  const room = place.fileBytes - place.dataStart;
  if (begin === undefined || end === undefined) {
    return fail(entryPlace(name, place), 'expected two data_offsets, found fewer');
  }
  if (begin > end || end > room) {
    const problem = `data_offsets [${begin}, ${end}] lie outside the file's ${room} bytes of tensors`;
    fail(entryPlace(name, place), problem);
  }
  const expected = expectedBytes(dtype, shape);
  if (expected !== undefined && expected !== end - begin) {
    const which = `${dtype.slice(0, 16)} ${describeShape(shape)}`;
    fail(entryPlace(name, place), `expected ${expected} bytes for ${which}, found ${end - begin}`);
  }
  return { name, dtype, shape, start: place.dataStart + begin, end: place.dataStart + end };
}

function readIntegers(cursor: JsonCursor, most: number, where: string): number[] {
  const values: number[] = [];
  cursor.array(() => {
    if (values.length === most) fail(where, `expected at most ${most} numbers, found more`);
    values.push(cursor.integer());
  });
  return values;
}

/** Undefined for a dtype whose size is not known; no length of a file where it is beyond all numbers. */
function expectedBytes(dtype: string, shape: readonly number[]): number | undefined {
  const elementBytes = DTYPE_BYTES.get(dtype);
  if (elementBytes === undefined) return undefined;
  return shape.reduce((product, size) => product * size, elementBytes);
}

/** The tensors must tile the data exactly, in any order. */
function checkCoverage(
  entries: readonly SafetensorsEntry[],
  dataStart: number,
  fileBytes: number,
  fileName: string,
): void {
  const ordered = [...entries].sort((a, b) => a.start - b.start || a.end - b.end);
  let position = dataStart;
  for (const entry of ordered) {
    if (entry.start !== position) {
      const problem = entry.start < position ? 'overlaps the tensor before it' : 'leaves a gap before it';
      fail(
        fileName,
        `tensor ${quote(entry.name)} ${problem}: expected its data at byte ${position}, found ${entry.start}`,
      );
    }
    position = entry.end;
  }
  if (position !== fileBytes) {
    fail(fileName, `expected ${position} bytes in all, as its header says, found ${fileBytes}`);
  }
}

function fail(where: string, problem: string): never {
  throw new QwenAsrError('model', `${where}: ${problem}`);
}

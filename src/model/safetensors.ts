import { QwenAsrError } from '../error.js';
import { describeShape, quote } from './describe.js';
import { JsonCursor } from './modelText.js';

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
  const cursor = new JsonCursor(decodeHeader(head.slice(PREFIX_BYTES, dataStart), fileName), fileName);
  const entries: SafetensorsEntry[] = [];
  cursor.object((name) => {
    if (name === '__metadata__') cursor.object(() => cursor.string());
    else entries.push(readEntry(cursor, name, dataStart, fileBytes, fileName));
  });
  cursor.end();
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

function readEntry(
  cursor: JsonCursor,
  name: string,
  dataStart: number,
  fileBytes: number,
  fileName: string,
): SafetensorsEntry {
  const where = `${fileName}: tensor ${quote(name)}`;
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
  const [begin, end] = offsets;
  if (begin === undefined || end === undefined) return fail(where, 'expected two data_offsets, found fewer');
  if (begin > end || end > fileBytes - dataStart) {
    fail(
      where,
      `data_offsets [${begin}, ${end}] lie outside the file's ${fileBytes - dataStart} bytes of tensors`,
    );
  }
  checkByteLength({ dtype, shape, byteLength: end - begin }, where);
  return { name, dtype, shape, start: dataStart + begin, end: dataStart + end };
}

function readIntegers(cursor: JsonCursor, most: number, where: string): number[] {
  const values: number[] = [];
  cursor.array(() => {
    if (values.length === most) fail(where, `expected at most ${most} numbers, found more`);
    values.push(cursor.integer());
  });
  return values;
}

function checkByteLength(
  tensor: { dtype: string; shape: readonly number[]; byteLength: number },
  where: string,
): void {
  const elementBytes = DTYPE_BYTES.get(tensor.dtype);
  if (elementBytes === undefined) return;
  const expected = tensor.shape.reduce((product, size) => product * size, elementBytes);
  if (!Number.isSafeInteger(expected) || expected !== tensor.byteLength) {
    const shape = describeShape(tensor.shape);
    fail(
      where,
      `expected ${expected} bytes for ${tensor.dtype.slice(0, 16)} ${shape}, found ${tensor.byteLength}`,
    );
  }
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

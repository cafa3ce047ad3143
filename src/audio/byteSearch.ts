import type { ByteSource } from './byteReader.js';

/** Bytes [at, at + length) of a file. */
export interface ByteRange {
  readonly at: number;
  readonly length: number;
}

/**
 * A search in a file of which only what is looked at is read: yields a range and is given its bytes, fewer at the end of
 * the file. The same search runs in memory, without waiting, and in files.
 */
export type ByteSearch<T> = Generator<ByteRange, T, Uint8Array>;

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

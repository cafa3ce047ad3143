import { makePause } from '../runtime/nextTurn.js';

/** Bytes in their order, in pieces of any size. A piece may be overwritten once the next one is asked for. */
export type BytePieces = AsyncIterable<Uint8Array>;

/** A recording's bytes, which can be read from the start as often as needed. */
export interface ByteSource {
  /** Names the recording in errors, for example its path. */
  readonly label: string;
  readonly totalBytes: number;
  pieces(): BytePieces;
  /** Bytes [at, at + length), fewer at the end. */
  read(at: number, length: number): Promise<Uint8Array>;
}

/** Pieces that bytes in memory are handed out in. */
const PIECE_BYTES = 65_536;

/** The source of a recording that is already in memory. */
export function bytesInMemory(bytes: Uint8Array, label: string): ByteSource {
  return {
    label,
    totalBytes: bytes.length,
    async *pieces() {
      const pause = makePause(`${label}: reading was aborted`);
      for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
        await pause();
        yield bytes.subarray(at, at + PIECE_BYTES);
      }
    },
    read: async (at, length) => bytes.subarray(at, at + length),
  };
}

/**
 * Looks ahead in a stream of bytes: `fill` makes bytes available, `bytes` shows them, `skip` consumes them. Memory is that
 * of the largest `fill`, whatever the length of the stream.
 *
 * @example
 * const reader = new ByteReader(source.pieces());
 * await reader.fill(4);
 * if (reader.bytes[0] === 0x66) reader.skip(4);
 */
export class ByteReader {
  readonly #pieces: AsyncIterator<Uint8Array>;
  #buffer = new Uint8Array(PIECE_BYTES);
  #start = 0;
  #end = 0;
  #ended = false;
  #consumed = 0;

  constructor(pieces: BytePieces) {
    this.#pieces = pieces[Symbol.asyncIterator]();
  }

  /** Bytes consumed so far. */
  get position(): number {
    return this.#consumed;
  }

  /** The bytes that are available, valid until the next `fill`. */
  get bytes(): Uint8Array {
    return this.#buffer.subarray(this.#start, this.#end);
  }

  /** Makes at least `count` bytes available, or all that are left; returns how many are. */
  async fill(count: number): Promise<number> {
    while (this.#end - this.#start < count && !this.#ended) {
      const next = await this.#pieces.next();
      if (next.done === true) this.#ended = true;
      else this.#append(next.value);
    }
    return this.#end - this.#start;
  }

  /** Consumes bytes that are available. */
  skip(count: number): void {
    this.#start += count;
    this.#consumed += count;
  }

  /** Consumes bytes whether they are available or not; fewer at the end of the stream. */
  async discard(count: number): Promise<void> {
    for (let left = count; left > 0; ) {
      const present = await this.fill(1);
      if (present === 0) return;
      const step = Math.min(left, present);
      this.skip(step);
      left -= step;
    }
  }

  /** Lets go of the source before its end. */
  async close(): Promise<void> {
    this.#ended = true;
    await this.#pieces.return?.();
  }

  #append(piece: Uint8Array): void {
    const kept = this.#end - this.#start;
    if (this.#end + piece.length > this.#buffer.length) {
      const target =
        kept + piece.length <= this.#buffer.length
          ? this.#buffer
          : new Uint8Array(Math.max(2 * this.#buffer.length, kept + piece.length));
      target.set(this.#buffer.subarray(this.#start, this.#end));
      this.#buffer = target;
      this.#start = 0;
      this.#end = kept;
    }
    this.#buffer.set(piece, this.#end);
    this.#end += piece.length;
  }
}

/** Widest field that one look at four bytes holds wherever it begins. */
const LOOK_BITS = 25;

/** Reads a FLAC frame bit by bit, most significant first. Past the end it reads zeros and says so. */
export class FlacBits {
  readonly #bytes: Uint8Array;
  /** In bits, from the start of the bytes. */
  #at: number;

  constructor(bytes: Uint8Array, startByte: number) {
    this.#bytes = bytes;
    this.#at = startByte * 8;
  }

  /** Whether more was read than there is. */
  get exhausted(): boolean {
    return this.#at > this.#bytes.length * 8;
  }

  /** Where the next byte begins; the bits up to it are skipped. */
  alignToByte(): number {
    this.#at = (this.#at + 7) & ~7;
    return this.#at / 8;
  }

  /** An unsigned number of `count` bits, 0 to 33. */
  unsigned(count: number): number {
    if (count > LOOK_BITS) return this.unsigned(count - 16) * 65_536 + this.unsigned(16);
    if (count === 0) return 0;
    const value = this.#look() >>> (32 - count);
    this.#at += count;
    return value;
  }

  /** A two's complement number of `count` bits, 0 to 33. */
  signed(count: number): number {
    const value = this.unsigned(count);
    return count > 0 && value >= 2 ** (count - 1) ? value - 2 ** count : value;
  }

  /** The number of zeros before the next one, which is read too. */
  unary(): number {
    let zeros = 0;
    for (;;) {
      const run = Math.clz32(this.#look());
      if (run < LOOK_BITS) {
        this.#at += run + 1;
        return zeros + run;
      }
      zeros += LOOK_BITS;
      this.#at += LOOK_BITS;
      if (this.exhausted) return zeros;
    }
  }

  /** A Rice code with `low` low bits: the unary part counts in 2^low, and the sign is the last bit. */
  rice(low: number): number {
    const window = this.#look();
    const zeros = Math.clz32(window);
    let folded: number;
    if (zeros + 1 + low <= LOOK_BITS) {
      folded = low === 0 ? zeros : zeros * 2 ** low + ((window << (zeros + 1)) >>> (32 - low));
      this.#at += zeros + 1 + low;
    } else {
      folded = this.unary() * 2 ** low + this.unsigned(low);
    }
    return folded % 2 === 0 ? folded / 2 : -(folded + 1) / 2;
  }

  /** The next 32 bits; at least LOOK_BITS of them are valid, the rest are zeros. */
  #look(): number {
    const bytes = this.#bytes;
    const byte = this.#at >>> 3;
    if (byte + 4 > bytes.length) return this.#lookNearEnd(byte);
    const word = (bytes[byte]! << 24) | (bytes[byte + 1]! << 16) | (bytes[byte + 2]! << 8) | bytes[byte + 3]!;
    return word << (this.#at & 7);
  }

  #lookNearEnd(byte: number): number {
    let word = 0;
    for (let i = 0; i < 4; i++) word = (word << 8) | (this.#bytes[byte + i] ?? 0);
    return word << (this.#at & 7);
  }
}

/*
 * The two checksums of a FLAC frame (RFC 9639 §9.1.8 and §9.3): plain polynomial remainders, most significant bit
 * first, beginning with 0.
 */

/** x⁸ + x² + x + 1. */
const TABLE_8 = tableOf(0x07, 8);
/** x¹⁶ + x¹⁵ + x² + 1. */
const TABLE_16 = tableOf(0x8005, 16);

/** Checksum of a frame's header, bytes [start, end). */
export function flacHeaderChecksum(bytes: Uint8Array, start: number, end: number): number {
  let sum = 0;
  for (let i = start; i < end; i++) sum = TABLE_8[sum ^ bytes[i]!]!;
  return sum;
}

/** Checksum of a whole frame, bytes [start, end). */
export function flacFrameChecksum(bytes: Uint8Array, start: number, end: number): number {
  let sum = 0;
  for (let i = start; i < end; i++) sum = ((sum << 8) & 0xffff) ^ TABLE_16[(sum >> 8) ^ bytes[i]!]!;
  return sum;
}

/** [256] u16: the remainder of each byte followed by `width` zero bits. */
function tableOf(polynomial: number, width: number): Uint16Array {
  const top = 1 << (width - 1);
  const mask = 2 ** width - 1;
  return Uint16Array.from({ length: 256 }, (_, byte) => {
    let sum = byte << (width - 8);
    for (let bit = 0; bit < 8; bit++) sum = ((sum << 1) ^ ((sum & top) === 0 ? 0 : polynomial)) & mask;
    return sum;
  });
}

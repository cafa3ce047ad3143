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

import type { ByteReader } from '../byteReader.js';
import type { Damage } from '../damage.js';

/** A page of an Ogg file (RFC 3533 §6). */
export interface OggPage {
  /** Which of the file's streams it belongs to. */
  readonly serial: number;
  readonly sequence: number;
  /** Whether it begins with the rest of a packet, begins its stream, or ends it. */
  readonly continued: boolean;
  readonly first: boolean;
  readonly last: boolean;
  /** The codec's count of samples up to the end of the last packet that ends here; null when none does. */
  readonly granule: number | null;
  /** [≤ 255] lengths; a packet goes on while they are 255. */
  readonly segments: Uint8Array;
  /** Valid until the next page is asked for. */
  readonly body: Uint8Array;
}

const HEADER_BYTES = 27;
const MAX_PAGE_BYTES = HEADER_BYTES + 255 + 255 * 255;
const CHECKSUM_OFFSET = 22;
const MARK = [0x4f, 0x67, 0x67, 0x53]; // "OggS"

/**
 * Finds the pages of an Ogg file. Bytes between pages and pages that fail their checksum are left out; so is a page that
 * the end of the file cuts off.
 *
 * @param damage counts the places where something was left out.
 */
export async function* oggPages(
  reader: ByteReader,
  damage: Damage,
): AsyncGenerator<OggPage, void, undefined> {
  let inSync = true;
  while ((await reader.fill(MAX_PAGE_BYTES)) >= HEADER_BYTES) {
    const bytes = reader.bytes;
    const pageBytes = pageLength(bytes);
    if (pageBytes > bytes.length) {
      // Either the file ends inside this page, or its lengths are damaged and other pages follow.
      const next = nextMark(bytes);
      if (next === bytes.length) return;
    } else if (pageBytes > 0 && hasRightChecksum(bytes, pageBytes)) {
      inSync = true;
      yield parsePage(bytes, pageBytes);
      reader.skip(pageBytes);
      continue;
    }
    if (inSync || pageBytes > 0) damage.add();
    inSync = false;
    reader.skip(nextMark(bytes));
  }
}

/** Length of the page at the start of the bytes by its segment table; 0 where no page begins. */
function pageLength(bytes: Uint8Array): number {
  if (MARK.some((byte, i) => bytes[i] !== byte) || bytes[4] !== 0) return 0;
  const segments = bytes[26]!;
  const table = bytes.subarray(HEADER_BYTES, HEADER_BYTES + segments);
  return table.reduce((sum, length) => sum + length, HEADER_BYTES + segments);
}

function parsePage(bytes: Uint8Array, pageBytes: number): OggPage {
  const view = new DataView(bytes.buffer, bytes.byteOffset, pageBytes);
  const flags = bytes[5]!;
  const granule = view.getBigInt64(6, true);
  const bodyStart = HEADER_BYTES + bytes[26]!;
  return {
    serial: view.getUint32(14, true),
    sequence: view.getUint32(18, true),
    continued: (flags & 1) !== 0,
    first: (flags & 2) !== 0,
    last: (flags & 4) !== 0,
    granule: granule < 0n ? null : Number(granule),
    segments: bytes.subarray(HEADER_BYTES, bodyStart),
    body: bytes.subarray(bodyStart, pageBytes),
  };
}

/** Where the next page may begin, after the first byte; the last bytes are kept where they may begin one. */
function nextMark(bytes: Uint8Array): number {
  for (let at = 1; at < bytes.length; at++) {
    if (bytes[at] !== MARK[0]) continue;
    if (MARK.every((byte, i) => at + i >= bytes.length || bytes[at + i] === byte)) return at;
  }
  return bytes.length;
}

/** x³² + x²⁶ + x²³ + … + 1 (0x04c11db7), most significant bit first: the remainder of each byte. */
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte << 24;
  for (let bit = 0; bit < 8; bit++) sum = (sum << 1) ^ (sum < 0 ? 0x04c11db7 : 0);
  return sum;
});

/** The checksum is that of the page with zeros in the checksum's place. */
function hasRightChecksum(bytes: Uint8Array, pageBytes: number): boolean {
  let sum = 0;
  for (let i = 0; i < pageBytes; i++) {
    const inChecksum = i >= CHECKSUM_OFFSET && i < CHECKSUM_OFFSET + 4;
    sum = (sum << 8) ^ TABLE[(sum >>> 24) ^ (inChecksum ? 0 : bytes[i]!)]!;
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, pageBytes);
  return sum >>> 0 === view.getUint32(CHECKSUM_OFFSET, true);
}

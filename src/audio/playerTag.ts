/** Length of the header of an ID3v2 tag, and of the footer that a flag announces. */
const HEADER_BYTES = 10;
const FOOTER_FLAG = 0x10;

/** Length of an ID3v1 tag, and of the header and the footer of an APE tag. */
const ID3V1_BYTES = 128;
const APE_HEADER_BYTES = 32;
/** Offsets in either, of 32 little-endian bits each: the length of items and footer, and flags. */
const APE_SIZE = 12;
const APE_FLAGS = 20;
const APE_IS_HEADER = 1 << 29;

/**
 * Length of the ID3v2 tag that `bytes` begin with (id3.org, ID3v2.4 §3.1), or 0 when they begin with none. Players put
 * such tags in front of MP3 and FLAC files alike; with a picture in it a tag can be megabytes long.
 *
 * @param bytes at least the first 10 bytes.
 */
export function id3TagBytes(bytes: Uint8Array): number {
  if (bytes.length < HEADER_BYTES) return 0;
  if (!hasMark(bytes, 'ID3')) return 0;
  if (bytes[3] === 0xff || bytes[4] === 0xff) return 0;
  const size = bytes.subarray(6, HEADER_BYTES);
  if (size.some((byte) => byte >= 0x80)) return 0; // seven bits a byte, so that it never looks like MPEG sync
  const body = size.reduce((sum, byte) => sum * 128 + byte, 0);
  return HEADER_BYTES + body + ((bytes[5]! & FOOTER_FLAG) === 0 ? 0 : HEADER_BYTES);
}

/**
 * Length of the tag that `bytes` begin with, behind the sound of one file and perhaps in front of another's: ID3v2, ID3v1
 * (128 bytes, "TAG"), or an APE tag with its header; 0 for none.
 *
 * @param bytes at least the first 32 bytes, where there are so many.
 */
export function playerTagBytes(bytes: Uint8Array): number {
  if (hasMark(bytes, 'TAG')) return Math.min(bytes.length, ID3V1_BYTES);
  if (bytes.length < APE_HEADER_BYTES || !hasMark(bytes, 'APETAGEX')) return id3TagBytes(bytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, APE_HEADER_BYTES);
  const isHeader = (view.getUint32(APE_FLAGS, true) & APE_IS_HEADER) !== 0;
  return APE_HEADER_BYTES + (isHeader ? view.getUint32(APE_SIZE, true) : 0);
}

function hasMark(bytes: Uint8Array, mark: string): boolean {
  for (let i = 0; i < mark.length; i++) if (bytes[i] !== mark.charCodeAt(i)) return false;
  return true;
}

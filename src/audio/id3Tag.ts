/** Length of the header of an ID3v2 tag, and of the footer that a flag announces. */
const HEADER_BYTES = 10;
const FOOTER_FLAG = 0x10;

/**
 * Length of the ID3v2 tag that `bytes` begin with (id3.org, ID3v2.4 §3.1), or 0 when they begin with none. Players put
 * such tags in front of MP3 and FLAC files alike; with a picture in it a tag can be megabytes long.
 *
 * @param bytes at least the first 10 bytes.
 */
export function id3TagBytes(bytes: Uint8Array): number {
  if (bytes.length < HEADER_BYTES) return 0;
  if (bytes[0] !== 0x49 || bytes[1] !== 0x44 || bytes[2] !== 0x33) return 0; // "ID3"
  if (bytes[3] === 0xff || bytes[4] === 0xff) return 0;
  const size = bytes.subarray(6, HEADER_BYTES);
  if (size.some((byte) => byte >= 0x80)) return 0; // seven bits a byte, so that it never looks like MPEG sync
  const body = size.reduce((sum, byte) => sum * 128 + byte, 0);
  return HEADER_BYTES + body + ((bytes[5]! & FOOTER_FLAG) === 0 ? 0 : HEADER_BYTES);
}

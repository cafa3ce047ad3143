/** Longest span: of a buffer beyond 4 GiB Node 20 shows no array as a whole. */
const SPAN_BYTES = 2 ** 30;

/** From the first to the last byte of the arrays of each buffer, what lies between them included. */
export function byteSpans(arrays: readonly Uint8Array[]): Uint8Array[] {
  const ends = new Map<ArrayBufferLike, { first: number; last: number }>();
  for (const { buffer, byteOffset, byteLength } of arrays) {
    const { first, last } = ends.get(buffer) ?? { first: byteOffset, last: 0 };
    const end = byteOffset + byteLength;
    ends.set(buffer, { first: Math.min(first, byteOffset), last: Math.max(last, end) });
  }
  const spans: Uint8Array[] = [];
  for (const [buffer, { first, last }] of ends) {
    for (let start = first; start < last; start += SPAN_BYTES) {
      spans.push(new Uint8Array(buffer, start, Math.min(SPAN_BYTES, last - start)));
    }
  }
  return spans;
}

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

/** Bytes between arrays that are taken with them: files align their tensors. */
const GAP_BYTES = 64;

/** The arrays, neighbours in a buffer as one: a call of the system for each takes as long as one for all of them. */
export function joinedSpans(arrays: readonly Uint8Array[]): Uint8Array[] {
  const lastOf = new Map<ArrayBufferLike, number>(); // place of a buffer's last span
  const spans: Uint8Array[] = [];
  for (const next of [...arrays].sort((a, b) => a.byteOffset - b.byteOffset)) {
    const index = lastOf.get(next.buffer);
    const joined = index === undefined ? null : join(spans[index]!, next);
    if (joined === null) lastOf.set(next.buffer, spans.push(next) - 1);
    else spans[index!] = joined;
  }
  return spans;
}

/** @returns null where too much lies between the two, or both are longer than an array may be */
function join(first: Uint8Array, next: Uint8Array): Uint8Array | null {
  const { buffer, byteOffset, byteLength } = first;
  const end = byteOffset + byteLength;
  const length = Math.max(end, next.byteOffset + next.byteLength) - byteOffset;
  return next.byteOffset - end > GAP_BYTES || length > SPAN_BYTES
    ? null
    : new Uint8Array(buffer, byteOffset, length);
}

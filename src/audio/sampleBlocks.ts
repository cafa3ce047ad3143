/**
 * Regroups samples into blocks of one length; the last may be shorter.
 *
 * @param pieces [any] f32 each.
 * @param length of the blocks, in samples.
 * @example
 * for await (const block of sampleBlocks(decoder.decode(), 16000)) consume(block);
 */
export async function* sampleBlocks(
  pieces: AsyncIterable<Float32Array>,
  length: number,
): AsyncGenerator<Float32Array, void, undefined> {
  let block = new Float32Array(length);
  let filled = 0;
  for await (const piece of pieces) {
    for (let at = 0; at < piece.length; ) {
      const step = Math.min(length - filled, piece.length - at);
      block.set(piece.subarray(at, at + step), filled);
      filled += step;
      at += step;
      if (filled < length) continue;
      yield block;
      block = new Float32Array(length);
      filled = 0;
    }
  }
  if (filled > 0) yield block.subarray(0, filled);
}

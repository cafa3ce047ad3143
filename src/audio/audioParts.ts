import { makePause } from '../model/makePause.js';
import type { AudioBlock } from './audioDecoder.js';
import { sampleBlocks } from './sampleBlocks.js';

/** Length of the blocks handed on, in samples. */
const BLOCK_SAMPLES = 16_384;

/** A stretch of a recording at one rate. */
export interface AudioPart {
  readonly sampleRateHz: number;
  /** [≤ 16,384] f32 each; to be read to their end before the next part is asked for. */
  readonly blocks: AsyncIterable<Float32Array>;
}

/**
 * Divides a recording where its sampling rate changes. The event loop is visited often, however much sound the decoder
 * makes out of few bytes.
 *
 * @throws what the decoder throws; QwenAsrError `aborted`.
 */
export async function* audioParts(
  blocks: AsyncIterable<AudioBlock>,
  label: string,
  signal?: AbortSignal,
): AsyncGenerator<AudioPart, void, undefined> {
  const pause = makePause(`${label}: reading was aborted`, signal);
  const source = blocks[Symbol.asyncIterator]();
  let next = await source.next();
  async function* samplesOf(rateHz: number): AsyncGenerator<Float32Array, void, undefined> {
    while (next.done !== true && next.value.sampleRateHz === rateHz) {
      yield next.value.samples;
      await pause();
      next = await source.next();
    }
  }
  try {
    while (next.done !== true) {
      const { sampleRateHz } = next.value;
      yield { sampleRateHz, blocks: sampleBlocks(samplesOf(sampleRateHz), BLOCK_SAMPLES) };
    }
  } finally {
    await source.return?.();
  }
}

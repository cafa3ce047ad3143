import { QwenAsrError } from '../error.js';
import { SAMPLE_RATE_HZ } from './audioClip.js';
import type { AudioFormat } from './audioDecoder.js';
import { audioParts } from './audioParts.js';
import type { OpenedDecoder } from './audioStream.js';
import { limitPeak, peakOf } from './limitPeak.js';
import type { LoadedAudio } from './loadedAudio.js';
import { padShortClip } from './padShortClip.js';
import { Resampler } from './resample.js';

/** Longest clip held in memory, 2.8 GB: a file of a few megabytes can claim to be years of silence. */
const MAX_HOURS = 12;
const MAX_SAMPLES = MAX_HOURS * 3600 * SAMPLE_RATE_HZ;

/**
 * Decodes a whole recording and prepares it for the models, with the result of prepareSamples.
 *
 * @param readMs what opening has taken; decodeMs includes it.
 * @throws QwenAsrError `audio`, one line, when it cannot be decoded, has no samples, or is longer than 12 hours;
 * `aborted`.
 */
export async function collectAudio(
  { decoder, close }: OpenedDecoder,
  format: AudioFormat,
  label: string,
  readMs: number,
  signal?: AbortSignal,
): Promise<LoadedAudio> {
  const startMs = performance.now();
  try {
    const pieces: Float32Array[] = [];
    let resampleMs = 0;
    let durationMs = 0;
    let count = 0;
    const keep = (make: () => Float32Array) => {
      const beforeMs = performance.now();
      const piece = make();
      resampleMs += performance.now() - beforeMs;
      count += piece.length;
      if (count > MAX_SAMPLES) {
        throw new QwenAsrError('audio', `${label}: expected at most ${MAX_HOURS} hours, found more`);
      }
      pieces.push(piece);
    };
    for await (const { sampleRateHz, blocks } of audioParts(decoder.decode(), label, signal)) {
      const resampler = new Resampler(sampleRateHz);
      let sourceCount = 0;
      for await (const block of blocks) {
        sourceCount += block.length;
        keep(() => resampler.push(block));
      }
      keep(() => resampler.flush());
      durationMs += (sourceCount * 1000) / sampleRateHz;
    }
    if (count === 0) throw new QwenAsrError('audio', `${label}: expected samples, found none`);
    const samples = join(pieces, count);
    return {
      samples: padShortClip(limitPeak(samples, peakOf(samples))),
      sampleRateHz: SAMPLE_RATE_HZ,
      durationMs,
      decodeMs: readMs + performance.now() - startMs - resampleMs,
      resampleMs,
      format,
      notes: decoder.notes,
    };
  } finally {
    await close();
  }
}

function join(pieces: readonly Float32Array[], count: number): Float32Array {
  const whole = new Float32Array(count);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

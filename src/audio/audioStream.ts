import { SAMPLE_RATE_HZ } from './audioClip.js';
import type { AudioDecoder, AudioFormat } from './audioDecoder.js';
import { limitPeak } from './limitPeak.js';
import { PeakMeter } from './peakMeter.js';
import { Resampler } from './resample.js';
import { sampleBlocks } from './sampleBlocks.js';

/** Length of an AudioStream's blocks, 1 s. */
export const STREAM_BLOCK_SAMPLES = SAMPLE_RATE_HZ;

/**
 * A recording of any length as 16 kHz mono samples, piece by piece. Iterating yields blocks of 16,000 samples [samples]
 * f32 in [-1, 1], the last of them shorter; put together they are what loadAudio returns for the same file, to the last
 * bit, without the zeros that pad clips under 0.5 s. Each iteration reads the recording anew; memory does not depend on
 * its length.
 */
export interface AudioStream extends AsyncIterable<Float32Array> {
  /** Names the recording, as in errors. */
  readonly label: string;
  readonly format: AudioFormat;
  readonly sampleRateHz: typeof SAMPLE_RATE_HZ;
  /** Samples that an iteration yields, at 16 kHz. */
  readonly sampleCount: number;
  readonly durationMs: number;
  /** What was wrong with the recording and could be coped with, a line each. */
  readonly notes: readonly string[];
  /** Frees what belongs to the stream (a copy of piped input). Iterations have to be over. */
  close(): Promise<void>;
}

/** A decoder and what lets go of its input. */
export interface OpenedDecoder {
  readonly decoder: AudioDecoder;
  close(): Promise<void>;
}

export interface StreamSource {
  readonly label: string;
  readonly format: AudioFormat;
  /** Opens the recording, from its start. */
  open(): Promise<OpenedDecoder>;
  close(): Promise<void>;
}

/**
 * Makes a stream of a recording.
 *
 * Whether the clip is divided by its peak is known only at its end, so the recording is decoded once before the first
 * block: its length and its damage are known from then on too. The pass is left out where the header tells the length
 * and no sample can exceed 1: integers at 16 kHz.
 *
 * @throws QwenAsrError `audio`, one line, when the recording cannot be decoded to its end.
 */
export async function makeAudioStream(source: StreamSource): Promise<AudioStream> {
  const { label, format } = source;
  const { peak, count, rateHz, notes } = await survey(source);
  return {
    label,
    format,
    sampleRateHz: SAMPLE_RATE_HZ,
    sampleCount: Math.ceil((count * SAMPLE_RATE_HZ) / rateHz),
    durationMs: (count * 1000) / rateHz,
    notes,
    close: () => source.close(),
    [Symbol.asyncIterator]: () => sampleBlocks(prepare(source, peak), STREAM_BLOCK_SAMPLES),
  };
}

/** What has to be known of the whole recording before its first block. */
async function survey(source: StreamSource) {
  const { decoder, close } = await source.open();
  try {
    const { sampleRateHz: rateHz, mayExceedOne, sampleCount, notes } = decoder;
    if (rateHz === SAMPLE_RATE_HZ && !mayExceedOne && sampleCount !== null) {
      return { peak: 0, count: sampleCount, rateHz, notes };
    }
    const meter = new PeakMeter(rateHz);
    let count = 0;
    for await (const block of decoder.decode()) {
      meter.push(block);
      count += block.length;
    }
    return { peak: meter.finish(), count, rateHz, notes };
  } finally {
    await close();
  }
}

/** The samples after resampling and division by the peak. */
async function* prepare(source: StreamSource, peak: number): AsyncGenerator<Float32Array, void, undefined> {
  const { decoder, close } = await source.open();
  try {
    const resampler = new Resampler(decoder.sampleRateHz);
    for await (const block of decoder.decode()) yield limitPeak(resampler.push(block), peak);
    yield limitPeak(resampler.flush(), peak);
  } finally {
    await close();
  }
}

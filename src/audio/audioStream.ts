import { makePause } from '../runtime/nextTurn.js';
import { SAMPLE_RATE_HZ } from './audioClip.js';
import type { AudioBlock, AudioDecoder, AudioFormat } from './audioDecoder.js';
import { PeakMeter } from './peakMeter.js';
import { limitPeak } from './prepareSamples.js';
import { Resampler } from './resample.js';

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
 * block: its length and its damage are known from then on too. The pass is left out where the header tells all of this:
 * integers of one channel at 16 kHz.
 *
 * @throws QwenAsrError `audio`, one line, when the recording cannot be decoded to its end; `aborted`.
 */
export async function makeAudioStream(source: StreamSource, signal?: AbortSignal): Promise<AudioStream> {
  const { label, format } = source;
  const { peak, sampleCount, durationMs, notes } = await survey(source, signal);
  return {
    label,
    format,
    sampleRateHz: SAMPLE_RATE_HZ,
    sampleCount,
    durationMs,
    notes,
    close: () => source.close(),
    [Symbol.asyncIterator]: () => sampleBlocks(prepare(source, peak, signal), STREAM_BLOCK_SAMPLES),
  };
}

/** What has to be known of the whole recording before its first block. */
async function survey(source: StreamSource, signal?: AbortSignal) {
  const { decoder, close } = await source.open();
  try {
    const { notes } = decoder;
    const all = { peak: 0, sampleCount: 0, durationMs: 0, notes };
    const add = (count: number, rateHz: number) => {
      all.sampleCount += Math.ceil((count * SAMPLE_RATE_HZ) / rateHz);
      all.durationMs += (count * 1000) / rateHz;
    };
    if (decoder.sampleRateHz === SAMPLE_RATE_HZ && decoder.sampleCount !== null) {
      add(decoder.sampleCount, SAMPLE_RATE_HZ);
      return all;
    }
    for await (const { sampleRateHz, blocks } of audioParts(decoder.decode(), source.label, signal)) {
      const meter = new PeakMeter(sampleRateHz);
      let count = 0;
      for await (const block of blocks) {
        meter.push(block);
        count += block.length;
      }
      all.peak = Math.max(all.peak, meter.finish());
      add(count, sampleRateHz);
    }
    return all;
  } finally {
    await close();
  }
}

/** The samples after resampling and division by the peak. */
async function* prepare(
  source: StreamSource,
  peak: number,
  signal?: AbortSignal,
): AsyncGenerator<Float32Array, void, undefined> {
  const { decoder, close } = await source.open();
  try {
    for await (const { sampleRateHz, blocks } of audioParts(decoder.decode(), source.label, signal)) {
      const resampler = new Resampler(sampleRateHz);
      for await (const block of blocks) yield limitPeak(resampler.push(block), peak);
      yield limitPeak(resampler.flush(), peak);
    }
  } finally {
    await close();
  }
}

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

/**
 * Regroups samples into blocks of one length; the last may be shorter.
 *
 * @param pieces [any] f32 each.
 * @param length of the blocks, in samples.
 * @example
 * for await (const block of sampleBlocks(decoder.decode(), 16000)) consume(block);
 */
async function* sampleBlocks(
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

import { QwenAsrError } from '../error.js';
import { makePause } from '../runtime/nextTurn.js';
import { type AudioBlock, type AudioDecoder, type AudioFormat, SAMPLE_RATE_HZ } from './audioClip.js';
import { KERNEL_RADIUS } from './polyphaseFilter.js';
import { limitPeak, peakOf } from './prepareSamples.js';
import { greatestCommonDivisor, Resampler } from './resample.js';

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
 * @param maxDurationMs a longer recording is refused as soon as so much of it has been decoded: a small file can hold days
 * @throws QwenAsrError `audio`, one line, when the recording cannot be decoded to its end, or is too long; `aborted`.
 */
export async function makeAudioStream(
  source: StreamSource,
  signal?: AbortSignal,
  maxDurationMs: number = Number.POSITIVE_INFINITY,
): Promise<AudioStream> {
  const { label, format } = source;
  const { peak, sampleCount, durationMs, notes } = await survey(source, maxDurationMs, signal);
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
async function survey(source: StreamSource, maxDurationMs: number, signal?: AbortSignal) {
  const { decoder, close } = await source.open();
  try {
    const { notes } = decoder;
    const all = { peak: 0, sampleCount: 0, durationMs: 0, notes };
    const add = (count: number, rateHz: number) => {
      all.sampleCount += Math.ceil((count * SAMPLE_RATE_HZ) / rateHz);
      all.durationMs += (count * 1000) / rateHz;
      checkDuration(source.label, all.durationMs, maxDurationMs);
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
        checkDuration(source.label, all.durationMs + (count * 1000) / sampleRateHz, maxDurationMs);
      }
      all.peak = Math.max(all.peak, meter.finish());
      add(count, sampleRateHz);
    }
    return all;
  } finally {
    await close();
  }
}

function checkDuration(label: string, durationMs: number, maxDurationMs: number): void {
  if (durationMs <= maxDurationMs) return;
  const line = `${label}: expected at most ${maxDurationMs / 1000} s of audio, found more`;
  throw new QwenAsrError('audio', line, { option: 'maxDurationMs' });
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

/**
 * Bound on how much the resampler can enlarge a peak: the sum of the magnitudes of the coefficients that make an
 * output. The largest, 2.517, is that of outputs half way between two samples when the rate is raised; a test sums them.
 */
export const MAX_GAIN = 2.52;

/** Least length of the stretches that are resampled or not, in input samples. */
const MIN_STRETCH = 4096;

/**
 * Finds the peak of a clip after resampling to 16 kHz, without resampling most of it: a stretch whose samples stay below
 * 1/MAX_GAIN, with its neighbours, has no output above 1. Peaks above 1 are found exactly, to the last bit; a peak of 1 or
 * less is only known to be one.
 *
 * @example
 * const meter = new PeakMeter(44100);
 * for (const block of blocks) meter.push(block);
 * meter.finish(); // 1.04: divide by it
 */
export class PeakMeter {
  readonly #rateHz: number;
  /** [stretch] f32: the samples since the last full stretch. */
  readonly #stretch: Float32Array;
  #filled = 0;
  /** The stretch before, and whether it or its neighbour before was loud: then `#resampler` has taken it. */
  #before: Float32Array;
  #beforeIsLoud = false;
  #resampler: Resampler | null = null;
  #peak = 0;

  constructor(rateHz: number) {
    this.#rateHz = rateHz;
    // A multiple of the input samples after which outputs fall on input samples again, so that a resampler that begins
    // there makes the same outputs as one that began with the clip; and longer than its filter.
    const period = rateHz / greatestCommonDivisor(rateHz, SAMPLE_RATE_HZ);
    const filter = 2 * Math.ceil(KERNEL_RADIUS * Math.max(1, rateHz / SAMPLE_RATE_HZ));
    const length = period * Math.ceil(Math.max(MIN_STRETCH, filter) / period);
    this.#stretch = new Float32Array(length);
    this.#before = new Float32Array(length);
  }

  /** Takes the clip's next samples [n] f32. */
  push(samples: Float32Array): void {
    if (this.#rateHz === SAMPLE_RATE_HZ) {
      this.#peak = Math.max(this.#peak, peakOf(samples));
      return;
    }
    for (let at = 0; at < samples.length; ) {
      const step = Math.min(this.#stretch.length - this.#filled, samples.length - at);
      this.#stretch.set(samples.subarray(at, at + step), this.#filled);
      this.#filled += step;
      at += step;
      if (this.#filled === this.#stretch.length) this.#endStretch(this.#stretch);
    }
  }

  /** The peak, exact where it exceeds 1. The clip ends here. */
  finish(): number {
    if (this.#filled > 0) this.#endStretch(this.#stretch.subarray(0, this.#filled));
    if (this.#resampler !== null) this.#note(this.#resampler.flush());
    return this.#peak;
  }

  #endStretch(stretch: Float32Array): void {
    const isLoud = peakOf(stretch) * MAX_GAIN > 1;
    if (isLoud || this.#beforeIsLoud) {
      // A resampler that starts late takes the samples before its start as 0. That spoils outputs among quiet samples
      // only, and no sum of a part of them reaches 1 either.
      if (this.#resampler === null) {
        this.#resampler = new Resampler(this.#rateHz);
        this.#note(this.#resampler.push(this.#before));
      }
      this.#note(this.#resampler.push(stretch));
    } else {
      this.#resampler = null; // what it still holds lies among quiet samples
    }
    this.#before.set(stretch);
    this.#beforeIsLoud = isLoud;
    this.#filled = 0;
  }

  #note(outputs: Float32Array): void {
    this.#peak = Math.max(this.#peak, peakOf(outputs));
  }
}

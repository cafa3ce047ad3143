import { SAMPLE_RATE_HZ } from '../../audio/audioClip.js';
import { takeSamples } from '../../audio/prepareSamples.js';
import { Resampler } from '../../audio/resample.js';
import { loadSileroWeights, SileroVad } from '../../audio/vad/sileroVad.js';
import { type SpeechDetector, SpeechSegmenter, vadOptionsOf } from '../../audio/vad/speechSegmenter.js';
import { QwenAsrError } from '../../error.js';
import { checkOptions } from '../../model/checkArguments.js';
import { describeArgument } from '../../model/describe.js';
import { alignerOf } from '../align/addWords.js';
import type { TextModel } from '../textModel.js';
import { resolveRequest, type TranscribeRequest } from '../transcribeRequest.js';
import { MAX_SEGMENT_SECONDS, type StepComputer } from './liveStep.js';
import { LiveTranscription } from './liveTranscription.js';
import { StreamInput } from './streamInput.js';
import type { SpeechStream, StreamEvent, StreamOptions } from './streamTypes.js';

const DEFAULT_CHUNK_MS = 2000;
const MIN_CHUNK_MS = 500;

/** Makes what computes the steps of a stream, once its options are known to be sound. */
export type OpenSteps = (request: TranscribeRequest, signal: AbortSignal) => StepComputer;

/** A stream on a model: `write` on one side, events on the other, the transcription between them. */
export class LiveStream implements SpeechStream {
  readonly #input = new StreamInput();
  readonly #resampler: Resampler;
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  readonly #run: Promise<void>;
  #transcription: LiveTranscription | undefined;
  readonly #events: StreamEvent[] = [];
  /** No event follows those that are there. */
  #ended = false;
  #isFinished = false;
  #failure: QwenAsrError | undefined;
  #wake: () => void = () => {};

  /**
   * @throws QwenAsrError `usage` for an option that cannot be carried out; `tokenizer` for a context that the vocabulary
   * cannot encode; `audio` for a sampling rate out of range
   */
  constructor(text: TextModel, options: StreamOptions, openSteps: OpenSteps) {
    checkOptions(options);
    const { sampleRateHz = SAMPLE_RATE_HZ, chunkMs = DEFAULT_CHUNK_MS, coalesce = true, signal } = options;
    const { tokensPerSecond, vad = true, language, context } = options;
    checkRange('chunkMs', chunkMs, MIN_CHUNK_MS, MAX_SEGMENT_SECONDS * 1000);
    if (tokensPerSecond !== undefined) checkRange('tokensPerSecond', tokensPerSecond, 0, 100);
    const request = resolveRequest(
      text,
      { ...(language !== undefined && { language }), ...(context !== undefined && { context }) },
      0,
    );
    checkContext(request, options.maxContextTokens);
    const vadOptions = vadOptionsOf(vad);
    const aligner = alignerOf(options);
    this.#resampler = new Resampler(sampleRateHz);
    this.#signal = signal === undefined ? this.#stop.signal : AbortSignal.any([this.#stop.signal, signal]);
    this.#signal.addEventListener('abort', () => this.#input.wakeEverybody(), { once: true });
    const steps = openSteps(request, this.#signal);
    const settings = {
      forcedLanguage: request.forcedLanguage,
      chunkSamples: Math.round((chunkMs * SAMPLE_RATE_HZ) / 1000),
      coalesce,
      tokensPerSecond,
    };
    const transcribe = async (): Promise<void> => {
      const detector = vadOptions === null ? EVERYTHING : new SileroVad(await loadSileroWeights());
      const segmenter = new SpeechSegmenter(detector, vadOptions ?? HEAR_ALL, MAX_SEGMENT_SECONDS);
      const emit = (event: StreamEvent): void => this.#emit(event);
      const shared = { input: this.#input, segmenter, steps, text, settings };
      const parts = { ...shared, aligner, emit, signal: this.#signal };
      this.#transcription = new LiveTranscription(parts);
      await this.#transcription.run();
    };
    this.#run = transcribe()
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        steps.release();
        this.#end();
      });
  }

  async write(samples: Float32Array): Promise<void> {
    const own = takeSamples(samples);
    this.#checkOpen();
    if (this.#isFinished) throw new QwenAsrError('closed', 'stream: expected no samples after finish()');
    for (let i = 0; i < own.length; i++) {
      if (Number.isFinite(own[i])) continue;
      throw new QwenAsrError('audio', `audio: sample ${i} is ${own[i]}, expected a finite value`);
    }
    if (this.#input.isFull) {
      const seconds = Math.round(this.#input.waiting / SAMPLE_RATE_HZ);
      const line = `stream: ${seconds} s of audio wait to be transcribed, so ${own.length} samples were not taken`;
      throw new QwenAsrError('memory', line);
    }
    this.#input.push(clamped(this.#resampler.push(own)));
    if (this.#input.waiting > 0) await this.#input.room();
    this.#checkOpen();
  }

  endSegment(): void {
    if (this.#isFinished) return;
    // What the filter holds back belongs to this segment, not to one of its own.
    this.#input.push(clamped(this.#resampler.flush()));
    this.#input.push('endSegment');
  }

  clear(): void {
    if (this.#transcription === undefined) this.#input.clear();
    else this.#transcription.clear();
  }

  async finish(): Promise<void> {
    if (!this.#isFinished) {
      this.#isFinished = true;
      this.#input.push(clamped(this.#resampler.flush()));
      this.#input.push('finish');
    }
    await this.#run;
    if (this.#failure !== undefined) throw this.#failure;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#run;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<StreamEvent, void, undefined> {
    try {
      for (;;) {
        for (let event = this.#events.shift(); event !== undefined; event = this.#events.shift()) yield event;
        if (this.#ended) break;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
      if (this.#failure !== undefined) throw this.#failure;
    } finally {
      await this.close();
    }
  }

  #emit(event: StreamEvent): void {
    if (this.#signal.aborted) return;
    this.#events.push(event);
    this.#wake();
  }

  /** What a stream that is closed on purpose ends with is no failure. */
  #fail(error: unknown): void {
    const isClosed = this.#stop.signal.aborted;
    if (isClosed) return;
    this.#failure =
      error instanceof QwenAsrError ? error : new QwenAsrError('internal', String(error), { cause: error });
  }

  #end(): void {
    this.#ended = true;
    this.#input.clear();
    this.#input.wakeEverybody();
    this.#wake();
  }

  #checkOpen(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#stop.signal.aborted) throw new QwenAsrError('closed', 'stream: it has been closed');
    if (this.#signal.aborted) throw new QwenAsrError('aborted', STOPPED);
  }
}

const STOPPED = 'stream: stopped by the caller’s signal';

/** Without voice activity everything is speech, from the first sample on. */
const EVERYTHING: SpeechDetector = { probability: () => 1 };
const HEAR_ALL = { prefixMs: 0, minSpeechMs: 0 };

/** In place. Streams are not divided by a peak that is still to come. */
function clamped(samples: Float32Array): Float32Array {
  for (let i = 0; i < samples.length; i++) samples[i] = Math.max(-1, Math.min(1, samples[i]!));
  return samples;
}

function checkContext({ promptContent }: TranscribeRequest, most: number | undefined): void {
  const { length } = promptContent.systemIds ?? [];
  if (most === undefined || length <= most) return;
  const line = `expected at most ${most} tokens, found ${length}`;
  throw new QwenAsrError('usage', line, { option: 'context' });
}

function checkRange(option: keyof StreamOptions, value: unknown, least: number, most: number): void {
  if (typeof value === 'number' && value >= least && value <= most) return;
  const found = describeArgument(value);
  throw new QwenAsrError('usage', `expected a number from ${least} to ${most}, found ${found}`, { option });
}

import { isFloat32Array, takeSamples } from '../audio/prepareSamples.js';
import { QwenAsrError } from '../error.js';
import { checkOptions } from '../model/checkArguments.js';
import { describeArgument } from '../model/describe.js';
import type { Backend, Ceilings, Observer } from '../ops/operators.js';
import { addWords, alignerOf, withWords } from './align/addWords.js';
import { openBatch } from './batch/continuousBatch.js';
import { Ledger } from './ledger.js';
import { CachedSteps } from './live/cachedSteps.js';
import { LiveStream } from './live/liveStream.js';
import type { SpeechStream, StreamOptions } from './live/streamTypes.js';
import { type HeldParts, ModelTurns } from './modelTurns.js';
import { checkFinite, withNumericDiagnosis } from './numericDiagnosis.js';
import { segmentRecording } from './segmentRecording.js';
import { type Stages, transcribeClip } from './transcribeClip.js';
import { resolveRequest } from './transcribeRequest.js';
import { transcribeSegments } from './transcribeSegments.js';
import type {
  BatchOptions,
  EncodeOptions,
  Encoding,
  Mel,
  ModelInfo,
  RecordingSegment,
  SegmentOptions,
  SpeechModel,
  TokenEvent,
  TranscribeLongOptions,
  TranscribeOptions,
  Transcript,
  Transcription,
  TranscriptionBatch,
  TranscriptSegment,
} from './types.js';

/** What a loaded model consists of. */
export interface LoadedParts extends HeldParts {
  readonly info: ModelInfo;
  readonly stages: Stages;
}

/** A model in memory. Calls on it are carried out one at a time, in their order. */
export class LoadedModel implements SpeechModel {
  readonly info: ModelInfo;
  readonly #backend: Backend;
  readonly #stages: Stages;
  readonly #turns: ModelTurns;

  constructor({ info, stages, ...held }: LoadedParts) {
    this.info = info;
    this.#backend = held.backend;
    this.#stages = stages;
    this.#turns = new ModelTurns(held, `${info.source}: the model has been closed`);
  }

  async melSpectrogram(samples: Float32Array, signal?: AbortSignal): Promise<Mel> {
    checkOptions({ signal });
    const own = takeSamples(samples);
    return this.#turns.run(() => this.#stages.mel.run(own, { signal }), signal);
  }

  async encode(given: Mel, options: EncodeOptions = {}): Promise<Encoding> {
    const mel = takeMel(given);
    checkOptions(options);
    const { signal, observer, onPhaseEnd } = options;
    const onStemEnd = onPhaseEnd === undefined ? undefined : () => onPhaseEnd('convStem');
    const attempt = async (watched: {
      signal?: AbortSignal | undefined;
      observer?: Observer | undefined;
    }) => {
      checkFinite('mel', mel.data, [mel.bins, mel.frames]);
      const encoding = await this.#stages.encoder.encode(mel, { ...watched, onStemEnd });
      checkFinite('encoder', encoding.data, [encoding.tokens, encoding.hidden]);
      onPhaseEnd?.('encoderLayers');
      return encoding;
    };
    return this.#turns.run(
      () => withNumericDiagnosis(signal, (watch) => attempt(watch ?? { signal, observer })),
      signal,
    );
  }

  transcribe(samples: Float32Array, options: TranscribeOptions = {}): Transcription {
    const startMs = performance.now();
    return new RunningTranscription((emit) => this.#transcribe(samples, options, startMs, emit));
  }

  transcribeLong(
    source: Float32Array | AsyncIterable<Float32Array>,
    options: TranscribeLongOptions = {},
  ): AsyncGenerator<TranscriptSegment, void, undefined> {
    // Whether these are options and it is an aligner is found out where errors are expected: in the iteration.
    const given: TranscribeLongOptions | null = options;
    const longestMs = given?.timestamps === 'word' ? given.aligner?.info?.maxMs : undefined;
    const cut = longestMs === undefined ? options : { longestMs, ...options };
    return this.transcribeSegments(segmentRecording(source, cut), options);
  }

  async *transcribeSegments(
    segments: AsyncIterable<RecordingSegment>,
    options: SegmentOptions = {},
  ): AsyncGenerator<TranscriptSegment, void, undefined> {
    this.#turns.checkOpen();
    checkOptions(options);
    const aligner = alignerOf(options);
    const turn = <T>(task: () => Promise<T>): Promise<T> => this.#turns.run(task, options.signal);
    const transcribe = (given: AsyncIterable<RecordingSegment>) =>
      transcribeSegments(this.#stages, given, options, turn);
    yield* aligner === null ? transcribe(segments) : withWords(transcribe, segments, aligner, options.signal);
  }

  openBatch(options: BatchOptions = {}): TranscriptionBatch {
    this.#turns.checkOpen();
    checkOptions(options);
    return openBatch(this.#stages, options, (task) => this.#turns.run(task, undefined));
  }

  openStream(options: StreamOptions = {}): SpeechStream {
    this.#turns.checkOpen();
    return new LiveStream(this.#stages.text, options, ({ promptContent }, signal) => {
      const turn = <T>(task: () => Promise<T>): Promise<T> => this.#turns.run(task, signal);
      return new CachedSteps(this.#stages, promptContent, turn, signal);
    });
  }

  async measureCeilings(): Promise<Ceilings | null> {
    return this.#turns.run(() => this.#backend.measureCeilings(), undefined);
  }

  close(): Promise<void> {
    return this.#turns.close();
  }

  async #transcribe(
    given: Float32Array,
    options: TranscribeOptions,
    startMs: number,
    emit: (event: TokenEvent) => void,
  ): Promise<Transcript> {
    const samples = takeSamples(given);
    checkOptions(options);
    const { signal, observer, onPhaseEnd } = options;
    const aligner = alignerOf(options);
    const request = resolveRequest(this.#stages.text, options, samples.length / 16);
    const transcript = await this.#turns.run(
      () =>
        withNumericDiagnosis(signal, (watch) =>
          transcribeClip(this.#stages, samples, request, {
            ledger: new Ledger(startMs, onPhaseEnd),
            ...(watch === undefined ? { emit, signal, observer } : { emit: () => {}, ...watch }),
          }),
        ),
      signal,
    );
    return aligner === null ? transcript : addWords(transcript, samples, aligner, signal);
  }
}

/** A copy, which stays what it is. The encoder checks the sizes. */
function takeMel(mel: Mel): Mel {
  if (isFloat32Array(mel?.data)) return { ...mel, data: new Float32Array(mel.data) };
  const found = typeof mel === 'object' && mel !== null && 'data' in mel ? mel.data : mel;
  throw new QwenAsrError('audio', `mel: expected data as a Float32Array, found ${describeArgument(found)}`);
}

/**
 * A transcription that has been started. It runs to its end whether anybody listens or not; every iterator gets all
 * tokens from the first one on, and throws the run's error after them when the run failed.
 *
 * A failed run of which neither `result` nor an iterator is ever looked at is not reported as an unhandled rejection:
 * callers who only iterate would otherwise be ended by the promise that they do not use.
 */
class RunningTranscription implements Transcription {
  readonly result: Promise<Transcript>;
  readonly #events: TokenEvent[] = [];
  #ended = false;
  /** Wakes the iterators that wait for the next token or the end. */
  #wake: () => void = () => {};
  #changed: Promise<void> = Promise.resolve();

  /** @param run the work; it is given the function that publishes a token. */
  constructor(run: (emit: (event: TokenEvent) => void) => Promise<Transcript>) {
    this.#expectChange();
    this.result = run((event) => {
      this.#events.push(event);
      this.#announce();
    }).finally(() => {
      this.#ended = true;
      this.#announce();
    });
    this.result.catch(() => {});
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<TokenEvent, void, undefined> {
    for (let next = 0; ; ) {
      const changed = this.#changed;
      while (next < this.#events.length) yield this.#events[next++]!;
      if (this.#ended) break;
      await changed;
    }
    await this.result;
  }

  #announce(): void {
    const wake = this.#wake;
    this.#expectChange();
    wake();
  }

  #expectChange(): void {
    this.#changed = new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

import { SAMPLE_RATE_HZ } from '../../audio/audioClip.js';
import { takeSamples } from '../../audio/prepareSamples.js';
import type { DecoderSession } from '../../decoder/decoder.js';
import { GreedyBatch, type SequenceToken } from '../../decoder/greedyBatch.js';
import { audioTokenCount } from '../../encoder/convStem.js';
import { QwenAsrError } from '../../error.js';
import { checkOptions } from '../../model/checkArguments.js';
import { describeArgument } from '../../model/describe.js';
import { melFrameCount } from '../../ops/logMelShape.js';
import { alignerOf, withWords } from '../align/addWords.js';
import { ClipTranscript, type Stages } from '../transcribeClip.js';
import { resolveRequest, type TranscribeRequest, usualBudget } from '../transcribeRequest.js';
import { inRecording, MAX_BATCH, skippedSegment, type Turn } from '../transcribeSegments.js';
import type {
  BatchLoad,
  BatchOptions,
  BatchRequestOptions,
  BatchSize,
  RecordingSegment,
  TranscriptionBatch,
  TranscriptSegment,
} from '../types.js';
import { BatchRequest } from './batchRequest.js';
import { JoiningSegment, promptOf } from './joiningSegment.js';

/** Where a segment is in the batch. */
interface Place {
  readonly request: BatchRequest;
  readonly segment: RecordingSegment;
  readonly number: number;
  readonly joining: JoiningSegment;
  /** From its first token on. */
  transcript: ClipTranscript | null;
}

/**
 * Requests that share decode steps. Their segments join and leave at any step:
 *
 *   a free place → the request with the fewest ─ one step for all that are in ─ one piece of one that joins, two of a
 *                  request that has no text yet ─ again
 *
 * The last free place is kept for a request that has none, so that a long recording does not keep short ones waiting.
 * While one that is at its end decodes, the next pieces of others that have text already come after as much time of steps.
 * What goes wrong with one request ends that request alone. Without work it does nothing.
 */
export class ContinuousBatch implements TranscriptionBatch {
  readonly #stages: Stages;
  readonly #turn: Turn;
  readonly #onDecodeStep: BatchOptions['onDecodeStep'];
  readonly #size: BatchSize;
  readonly #requests = new Set<BatchRequest>();
  /** By sequence of the session. */
  readonly #places = new Map<number, Place>();
  /** Time of decode steps that is due to requests at their end before another piece. */
  #dueMs = 0;
  #open: { readonly session: DecoderSession; readonly greedy: GreedyBatch } | undefined;
  #running: Promise<void> | undefined;
  #closed: QwenAsrError | undefined;

  /**
   * Takes the memory of all sequences at once.
   *
   * @throws QwenAsrError `memory`
   */
  constructor(stages: Stages, size: BatchSize, turn: Turn, onDecodeStep: BatchOptions['onDecodeStep']) {
    this.#stages = stages;
    this.#size = size;
    this.#turn = turn;
    this.#onDecodeStep = onDecodeStep;
    this.#session();
  }

  get load(): BatchLoad {
    const places = [...this.#places.values()];
    const joining = places.filter(({ transcript }) => transcript === null).length;
    return { ...this.#size, decoding: places.length - joining, joining, requests: this.#requests.size };
  }

  async *transcribeSegments(
    segments: AsyncIterable<RecordingSegment>,
    options: BatchRequestOptions = {},
  ): AsyncGenerator<TranscriptSegment, void, undefined> {
    if (this.#closed !== undefined) throw this.#closed;
    checkOptions(options);
    resolveRequest(this.#stages.text, options, 0); // refuses what no segment could be transcribed with
    const aligner = alignerOf(options);
    const transcribe = (given: AsyncIterable<RecordingSegment>) => {
      const request = new BatchRequest(given, options, () => this.#wake());
      this.#requests.add(request);
      return request.transcripts();
    };
    yield* aligner === null ? transcribe(segments) : withWords(transcribe, segments, aligner, options.signal);
  }

  async close(): Promise<void> {
    this.#closed ??= new QwenAsrError('closed', 'batch: it has been closed');
    for (const request of this.#requests) request.fail(this.#closed);
    await this.#running;
    this.#open?.session.release();
    this.#open = undefined;
  }

  /** Something may have become possible: a segment was read, a request ended. */
  #wake(): void {
    if (this.#running !== undefined || !this.#hasWork()) return;
    this.#running = this.#run().finally(() => {
      this.#running = undefined;
      this.#wake();
    });
  }

  #hasWork(): boolean {
    if (this.#closed !== undefined) return false;
    return this.#places.size > 0 || [...this.#requests].some(({ isOver, isWaiting }) => isOver || isWaiting);
  }

  async #run(): Promise<void> {
    while (this.#hasWork()) {
      this.#dropEnded();
      this.#admit();
      if (this.load.decoding > 0) await this.#step();
      const place = this.#neediest();
      if (place !== undefined) await this.#joinFurther(place);
    }
    this.#dropEnded();
  }

  /** Requests that are over leave with everything that they hold. */
  #dropEnded(): void {
    for (const [sequence, { request }] of this.#places) if (request.isOver) this.#leave(sequence);
    for (const request of this.#requests) if (request.isOver) this.#requests.delete(request);
  }

  #admit(): void {
    for (;;) {
      const free = this.#size.sequences - this.#places.size;
      const waiting = [...this.#requests].filter(
        ({ isWaiting, placeCount }) => isWaiting && (placeCount === 0 || free > 1),
      );
      if (free === 0 || waiting.length === 0) return;
      // The set is in the order of arrival, and sorting keeps it among equals.
      const [first] = waiting.sort((a, b) => a.placeCount - b.placeCount);
      this.#begin(first!);
    }
  }

  #begin(request: BatchRequest): void {
    const { segment: given, number } = request.next();
    try {
      const segment = { ...given, samples: takeSamples(given.samples) };
      if (segment.samples.length === 0) return request.finish(number, skippedSegment(segment));
      const resolved = resolveRequest(this.#stages.text, request.options, segment.endMs - segment.startMs);
      this.#checkFits(segment, resolved);
      const joining = new JoiningSegment(this.#stages, this.#session(), segment, resolved);
      this.#places.set(joining.sequence, { request, segment, number, joining, transcript: null });
      request.placeCount++;
    } catch (error) {
      request.fail(error);
    }
  }

  #checkFits(segment: RecordingSegment, request: TranscribeRequest): void {
    const { length } = promptOf(this.#stages, segment, request).ids;
    const { capacity } = this.#size;
    const excess = length + request.budget - capacity;
    if (excess <= 0) return;
    const contextTokens = request.promptContent.systemIds?.length ?? 0;
    if (contextTokens > excess) {
      const expected = `expected at most ${contextTokens - excess} tokens beside so much audio`;
      throw new QwenAsrError('usage', `${expected}, found ${contextTokens}`, { option: 'context' });
    }
    const need = `${length} positions of audio and context and ${request.budget} tokens`;
    throw new QwenAsrError('usage', `segments: expected at most ${capacity} positions in all, found ${need}`);
  }

  /** The one that joins next: of the request with the fewest others in the batch, then the one that came first. */
  #neediest(): Place | undefined {
    const joining = [...this.#places.values()].filter(({ transcript }) => transcript === null);
    return joining.sort((a, b) => a.request.placeCount - b.request.placeCount)[0];
  }

  async #joinFurther(place: Place): Promise<void> {
    if (!place.request.hasText) {
      // Half as many steps of others lie before its first text.
      for (let piece = 0; piece < 2 && !place.request.hasText; piece++) await this.#advance(place);
      return;
    }
    if (this.#dueMs > 0 && this.#keepsPaceOfOthers(place)) return;
    const startMs = performance.now();
    await this.#advance(place);
    this.#dueMs = performance.now() - startMs;
  }

  /** Whether another request decodes its last segments: a long recording has time, they are waited for. */
  #keepsPaceOfOthers({ request }: Place): boolean {
    return [...this.#places.values()].some(
      (other) => other.request !== request && other.transcript !== null && other.request.isEnding,
    );
  }

  async #step(): Promise<void> {
    try {
      const tokens = await this.#turn(() => this.#session().step());
      const { passMs, rows } = tokens[0]!.token;
      this.#dueMs -= passMs;
      this.#onDecodeStep?.(passMs, rows);
      for (const token of tokens) this.#take(token);
    } catch (error) {
      this.#failAll(error);
    }
  }

  async #advance({ joining, request, segment }: Place): Promise<void> {
    if (request.isOver) return;
    try {
      const first = await this.#turn(() => joining.advance(this.#session()));
      if (first === null) return;
      const place = this.#places.get(first.sequence)!;
      const facts = { prompt: joining.prompt, durationMs: segment.endMs - segment.startMs };
      request.hasText = true;
      place.transcript = new ClipTranscript(this.#stages.text, facts, joining.request, joining.ledger);
      this.#take(first);
    } catch (error) {
      if (isClosed(error)) this.#failAll(error);
      else request.fail(error);
    }
  }

  /** What a token means for its segment; a bad one is the fault of nobody else. */
  #take({ sequence, token }: SequenceToken): void {
    const { request, segment, number, transcript } = this.#places.get(sequence)!;
    if (token.isLast) this.#forget(sequence);
    try {
      const event = transcript!.take(token);
      if (request.isOver) return;
      const atMs = performance.now() - request.startMs;
      request.options.onToken?.({ ...event, atMs, segment: number });
      if (token.isLast) request.finish(number, inRecording(segment, transcript!.finish()));
    } catch (error) {
      request.fail(error);
    }
  }

  #leave(sequence: number): void {
    this.#open?.greedy.leave(sequence);
    this.#forget(sequence);
  }

  #forget(sequence: number): void {
    this.#places.get(sequence)!.request.placeCount--;
    this.#places.delete(sequence);
  }

  /** After a failed step nothing is known of the cache: everybody who is in loses what was computed. */
  #failAll(error: unknown): void {
    for (const { request } of this.#places.values()) request.fail(error);
    for (const sequence of [...this.#places.keys()]) this.#forget(sequence);
    this.#open?.session.release();
    this.#open = undefined;
  }

  #session(): GreedyBatch {
    if (this.#open === undefined) {
      const session = this.#stages.decoder.openSession(this.#size);
      this.#open = { session, greedy: new GreedyBatch(session, this.#size.sequences) };
    }
    return this.#open.greedy;
  }
}

function isClosed(error: unknown): boolean {
  return error instanceof QwenAsrError && error.code === 'closed';
}

const DEFAULT_SEQUENCES = 8;

/** Longer segments take more memory a sequence; a recording up to this length is not split. */
const DEFAULT_SEGMENT_MS = 60_000;

const DEFAULT_CONTEXT_TOKENS = 512;

/** What the chat template adds to audio and context, and more than the longest name of a language. */
const TEMPLATE_TOKENS = 64;

/** Kernels are made for a capacity: nearly equal ones share them. */
const CAPACITY_STEP = 256;

/**
 * Opens a batch that requests share, with all its memory.
 *
 * @throws QwenAsrError `usage`; `memory` when there is not enough for a single sequence
 */
export function openBatch(stages: Stages, options: BatchOptions, turn: Turn): ContinuousBatch {
  const { sequences = DEFAULT_SEQUENCES, maxSegmentMs = DEFAULT_SEGMENT_MS } = options;
  const { maxContextTokens = DEFAULT_CONTEXT_TOKENS, onDecodeStep } = options;
  checkWhole('sequences', sequences, 1, MAX_BATCH);
  checkWhole('maxSegmentMs', maxSegmentMs, 1000, 1_200_000);
  checkWhole('maxContextTokens', maxContextTokens, 0, 100_000);
  const audioTokens = audioTokenCount(melFrameCount((maxSegmentMs / 1000) * SAMPLE_RATE_HZ));
  const positions = audioTokens + TEMPLATE_TOKENS + maxContextTokens + usualBudget(maxSegmentMs);
  const capacity = Math.ceil(positions / CAPACITY_STEP) * CAPACITY_STEP;
  for (let count = sequences; ; count = Math.floor(count / 2)) {
    try {
      return new ContinuousBatch(stages, { sequences: count, capacity }, turn, onDecodeStep);
    } catch (error) {
      const isMemory = error instanceof QwenAsrError && error.code === 'memory';
      if (!isMemory || count === 1) throw error;
    }
  }
}

function checkWhole(option: keyof BatchOptions, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  const line = `expected a whole number from ${min} to ${max}, found ${describeArgument(value)}`;
  throw new QwenAsrError('usage', line, { option });
}

import { checkSampleType, takeSamples } from '../audio/prepareSamples.js';
import { QwenAsrError } from '../error.js';
import { describeArgument } from '../model/describe.js';
import { nextTurn } from '../runtime/nextTurn.js';
import { Ledger } from './ledger.js';
import { withNumericDiagnosis } from './numericDiagnosis.js';
import { type DecodedToken, type EncodedSegment, SegmentBatch } from './segmentBatch.js';
import { type Stages, transcribeClip } from './transcribeClip.js';
import { resolveRequest } from './transcribeRequest.js';
import type { RecordingSegment, SegmentOptions, Transcript, TranscriptSegment } from './types.js';

/** Segments decoded side by side unless the caller says otherwise: docs/adr/0007-segments-side-by-side.md. */
export const DEFAULT_BATCH = 4;

/** Far beyond where a step's cost is all arithmetic, so that more gain nothing. */
export const MAX_BATCH = 1024;

/**
 * A source that takes longer than this for its next segment waits for the world outside, as a pipe does: what is there is
 * transcribed meanwhile. Sources that only compute are waited for, so that segments are decoded side by side.
 */
const PATIENCE_MS = 500;

/** Does a piece of computing when it is its turn on the model. */
export type Turn = <T>(task: () => Promise<T>) => Promise<T>;

/**
 * Transcribes segments in batches and yields them in their order. Nothing is computed but while the next one is awaited.
 *
 * @throws QwenAsrError as `transcribeClip`; `usage` for options that cannot be carried out; what the source throws
 */
export async function* transcribeSegments(
  stages: Stages,
  segments: AsyncIterable<RecordingSegment>,
  options: SegmentOptions,
  turn: Turn,
): AsyncGenerator<TranscriptSegment, void, undefined> {
  const run = new SegmentedRun(stages, options, turn);
  const source = new SegmentSource(segments);
  try {
    for (let open = true; open || run.isBusy; ) {
      if (open && run.wantsMore && (!run.isBusy || (await source.isReady()))) {
        const segment = await source.next();
        if (segment === null) open = false;
        else await run.add(segment);
      } else {
        await run.step();
      }
      yield* run.takeFinished();
    }
  } catch (error) {
    // Who tries again may not read beside what is still being read.
    await source.settle();
    throw error;
  } finally {
    run.release();
    await source.close();
  }
}

/** Where segments come from, when they come. */
class SegmentSource {
  readonly #iterator: AsyncIterator<RecordingSegment>;
  /** The segment that has been asked for, and whether it is there. */
  #next: Promise<IteratorResult<RecordingSegment>> | null = null;
  #hasCome = false;
  #isLate = false;

  constructor(segments: AsyncIterable<RecordingSegment>) {
    this.#iterator = iteratorOf(segments);
  }

  /** Whether the next segment, or the end, is there, or comes soon. */
  async isReady(): Promise<boolean> {
    const next = this.#ask();
    if (this.#isLate) await nextTurn();
    else {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const patience = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, PATIENCE_MS);
      });
      await Promise.race([next.catch(() => {}), patience]);
      clearTimeout(timer);
      this.#isLate = !this.#hasCome;
    }
    return this.#hasCome;
  }

  /** @returns null at the end */
  async next(): Promise<RecordingSegment | null> {
    const { done, value } = await this.#ask();
    this.#next = null;
    return done === true ? null : value;
  }

  /** Until what has been asked for is there. */
  async settle(): Promise<void> {
    await this.#next?.catch(() => {});
  }

  async close(): Promise<void> {
    const closed = this.#iterator.return?.();
    if (this.#next === null || this.#hasCome) await closed;
    else closed?.catch(() => {}); // it closes when it goes on
  }

  #ask(): Promise<IteratorResult<RecordingSegment>> {
    if (this.#next !== null) return this.#next;
    this.#hasCome = false;
    this.#isLate = false;
    const next = this.#iterator.next();
    this.#next = next;
    const come = (): void => {
      this.#hasCome = true;
    };
    next.then(come, come);
    return next;
  }
}

/** For callers without a type checker. */
function iteratorOf(segments: AsyncIterable<RecordingSegment>): AsyncIterator<RecordingSegment> {
  if (segments?.[Symbol.asyncIterator] !== undefined) return segments[Symbol.asyncIterator]();
  const expected = 'expected an async iterable, as segmentRecording returns it';
  throw new QwenAsrError('usage', `segments: ${expected}, found ${describeArgument(segments)}`);
}

function checkSegment(segment: RecordingSegment): void {
  checkSampleType(segment?.samples);
  const { startMs, endMs } = segment;
  if (Number.isFinite(endMs - startMs) && endMs >= startMs) return;
  const found = `${describeArgument(startMs)} and ${describeArgument(endMs)}`;
  throw new QwenAsrError('usage', `segments: expected startMs and endMs in milliseconds, found ${found}`);
}

/** Segments on their way from samples to transcripts. */
class SegmentedRun {
  readonly #stages: Stages;
  readonly #options: SegmentOptions;
  readonly #turn: Turn;
  readonly #startMs = performance.now();
  readonly #batch: SegmentBatch;
  /** Encoded, but longer than what the batch can take before it is empty. */
  #waiting: EncodedSegment | undefined;
  /** Numbers in the order of arrival, of segments that are not finished. */
  readonly #numbers = new Map<RecordingSegment, number>();
  #added = 0;
  /** Finished segments by number: those that one in front of them has to come before. */
  readonly #finished = new Map<number, TranscriptSegment>();
  #taken = 0;

  constructor(stages: Stages, options: SegmentOptions, turn: Turn) {
    const { batch = DEFAULT_BATCH } = options;
    if (!(Number.isInteger(batch) && batch >= 1 && batch <= MAX_BATCH)) {
      const line = `expected a whole number from 1 to ${MAX_BATCH}, found ${describeArgument(batch)}`;
      throw new QwenAsrError('usage', line, { option: 'batch' });
    }
    resolveRequest(stages.text, options, 0); // refuses what no segment could be transcribed with
    this.#stages = stages;
    this.#options = options;
    this.#turn = turn;
    this.#batch = new SegmentBatch(stages, batch, options);
  }

  get wantsMore(): boolean {
    return this.#waiting === undefined && !this.#batch.isFull;
  }

  get isBusy(): boolean {
    return this.#waiting !== undefined || this.#batch.activeCount > 0;
  }

  /** Encodes a segment and lets it enter the batch, now or when there is room. */
  async add(given: RecordingSegment): Promise<void> {
    checkSegment(given);
    const segment = { ...given, samples: takeSamples(given.samples) };
    this.#numbers.set(segment, this.#added++);
    if (segment.samples.length === 0) {
      this.#finish(segment, skippedSegment(segment));
      return;
    }
    const request = resolveRequest(this.#stages.text, this.#options, segment.endMs - segment.startMs);
    this.#waiting = await this.#compute([segment], () => this.#batch.encode(segment, request));
    await this.#enterWaiting();
  }

  /** One token more for every segment in the batch. */
  async step(): Promise<void> {
    if (this.#batch.activeCount > 0) {
      const decoding = this.#batch.segments();
      const { passMs, tokens } = await this.#compute(decoding, () => this.#batch.step());
      this.#options.onDecodeStep?.(passMs, tokens.length);
      for (const token of tokens) this.#publish(token);
    }
    await this.#enterWaiting();
  }

  /** The finished segments that no unfinished one precedes. */
  *takeFinished(): Generator<TranscriptSegment, void, undefined> {
    for (;;) {
      const segment = this.#finished.get(this.#taken);
      if (segment === undefined) return;
      this.#finished.delete(this.#taken++);
      yield segment;
    }
  }

  release(): void {
    this.#batch.release();
  }

  async #enterWaiting(): Promise<void> {
    const waiting = this.#waiting;
    if (waiting === undefined || !this.#batch.accepts(waiting)) return;
    this.#waiting = undefined;
    this.#publish(await this.#compute([waiting.segment], () => this.#batch.enter(waiting)));
  }

  #publish({ segment, event, transcript }: DecodedToken): void {
    const atMs = performance.now() - this.#startMs;
    this.#options.onToken?.({ ...event, atMs, segment: this.#numbers.get(segment)! });
    if (transcript !== null) this.#finish(segment, inRecording(segment, transcript));
  }

  #finish(segment: RecordingSegment, transcript: TranscriptSegment): void {
    this.#finished.set(this.#numbers.get(segment)!, transcript);
    this.#numbers.delete(segment);
  }

  /** Computes in turn; when a number goes bad, finds out in which stage of which segment. */
  async #compute<T>(segments: readonly RecordingSegment[], task: () => Promise<T>): Promise<T> {
    try {
      return await this.#turn(task);
    } catch (error) {
      if (!(error instanceof QwenAsrError && error.code === 'numeric')) throw error;
      for (const segment of segments) await this.#turn(() => this.#diagnose(segment));
      throw error;
    }
  }

  /** Transcribes a segment by itself, watched if need be: throws what names the first stage with a bad number. */
  async #diagnose({ samples, startMs, endMs }: RecordingSegment): Promise<void> {
    const { signal } = this.#options;
    const request = resolveRequest(this.#stages.text, this.#options, endMs - startMs);
    await withNumericDiagnosis(signal, (watch) =>
      transcribeClip(this.#stages, samples, request, {
        ledger: new Ledger(performance.now()),
        emit: () => {},
        ...(watch ?? { signal }),
      }),
    );
  }
}

/** A transcript as that of a segment. */
export function inRecording(segment: RecordingSegment, transcript: Transcript): TranscriptSegment {
  const { index, startMs, endMs, samples } = segment;
  const heardMs = Math.min(samples.length / 16, endMs - startMs); // silence may have been put at its ends
  return { ...transcript, index, startMs, endMs, heardMs, skipped: false };
}

/** What stands for a segment of which nothing was left to hear: nothing was computed, so nothing is counted. */
export function skippedSegment({ index, startMs, endMs }: RecordingSegment): TranscriptSegment {
  return {
    index,
    startMs,
    endMs,
    durationMs: endMs - startMs,
    heardMs: 0,
    skipped: true,
    text: '',
    language: '',
    raw: '',
    tokenIds: [],
    logProbabilities: [],
    textTokenCount: 0,
    promptTokenCount: 0,
    audioTokenCount: 0,
    truncated: false,
    timings: {
      melMs: 0,
      convStemMs: 0,
      encoderLayersMs: 0,
      prefillMs: 0,
      decodeMs: 0,
      detokenizeMs: 0,
      otherMs: 0,
      totalMs: 0,
      firstTokenMs: null,
      decodeStepsMs: [],
    },
  };
}

import type { DecoderSession } from '../decoder/decoder.js';
import { GreedyBatch, type GreedyInput, type SequenceToken } from '../decoder/greedyBatch.js';
import { QwenAsrError } from '../error.js';
import { melFrameCount } from '../ops/logMelShape.js';
import { Ledger } from './ledger.js';
import { ClipTranscript, checkRoom, encodeClip, isLong, type Stages } from './transcribeClip.js';
import type { TranscribeRequest } from './transcribeRequest.js';
import type { RecordingSegment, SegmentOptions, TokenEvent, Transcript } from './types.js';

/** Least positions of a session: what 30 s and their budget need. */
const MIN_CAPACITY = 1024;

/**
 * Positions are rounded up to a multiple of this, what 20 s and their budget take, so that segments of about one length
 * need not wait for a larger session.
 */
const CAPACITY_STEP = 512;

/** A segment that is ready for the decoder. */
export interface EncodedSegment {
  readonly segment: RecordingSegment;
  readonly request: TranscribeRequest;
  readonly input: GreedyInput;
  readonly ledger: Ledger;
}

/** A token and the segment it belongs to. */
export interface DecodedToken {
  readonly segment: RecordingSegment;
  readonly event: Omit<TokenEvent, 'atMs'>;
  /** What the segment became, with its last token. */
  readonly transcript: Transcript | null;
}

interface DecodingClip {
  readonly segment: RecordingSegment;
  readonly transcript: ClipTranscript;
}

interface OpenSession {
  readonly session: DecoderSession;
  readonly greedy: GreedyBatch;
  readonly capacity: number;
}

/**
 * The segments that are being decoded side by side. They enter one by one, each after its own encoder pass and prefill,
 * and leave when they end: a step always serves all that are there.
 */
export class SegmentBatch {
  readonly #stages: Stages;
  /** Fewer than asked for where memory does not suffice. */
  #sequences: number;
  readonly #signal: AbortSignal | undefined;
  readonly #onPhaseEnd: SegmentOptions['onPhaseEnd'];
  /** By sequence. */
  readonly #clips = new Map<number, DecodingClip>();
  #open: OpenSession | undefined;

  /** @param sequences segments decoded side by side at most */
  constructor(
    stages: Stages,
    sequences: number,
    { signal, onPhaseEnd }: Pick<SegmentOptions, 'signal' | 'onPhaseEnd'>,
  ) {
    this.#stages = stages;
    this.#sequences = sequences;
    this.#signal = signal;
    this.#onPhaseEnd = onPhaseEnd;
  }

  get activeCount(): number {
    return this.#clips.size;
  }

  get isFull(): boolean {
    return this.#clips.size === this.#sequences;
  }

  /** The segments that are being decoded. */
  segments(): RecordingSegment[] {
    return [...this.#clips.values()].map(({ segment }) => segment);
  }

  /** Everything that comes before the decoder. */
  async encode(segment: RecordingSegment, request: TranscribeRequest): Promise<EncodedSegment> {
    const ledger = new Ledger(performance.now(), this.#onPhaseEnd);
    const sampleCount = segment.samples.length;
    // A long one may need the memory of those that have left.
    if (this.activeCount === 0 && isLong(sampleCount)) {
      this.release();
      ledger.time('prefillMs', () => checkRoom(this.#stages, sampleCount, request));
    }
    const input = await encodeClip(this.#stages, segment.samples, request, { ledger, signal: this.#signal });
    return { segment, request, input, ledger };
  }

  /** Whether a segment can enter now; one that is longer than all before it can when no other is being decoded. */
  accepts({ input, request }: EncodedSegment): boolean {
    if (this.activeCount === 0) return true;
    return !this.isFull && capacityFor(input, request) <= (this.#open?.capacity ?? 0);
  }

  /** Runs the prefill of a segment that the batch accepts. */
  async enter({ segment, request, input, ledger }: EncodedSegment): Promise<DecodedToken> {
    const { promptIds } = this.#stages.text;
    const { greedy } = ledger.time('prefillMs', () =>
      this.#session(capacityFor(input, request), segment.samples.length, input.prompt.ids.length),
    );
    const facts = { prompt: input.prompt, durationMs: segment.endMs - segment.startMs };
    const transcript = new ClipTranscript(this.#stages.text, facts, request, ledger);
    const { budget, exact } = request;
    const first = await greedy.enter(input, { stopIds: promptIds.endIds, budget, exact });
    this.#clips.set(first.sequence, { segment, transcript });
    return this.#take(first);
  }

  /** One step for all segments that are being decoded; at least one. */
  async step(): Promise<{ passMs: number; tokens: DecodedToken[] }> {
    const tokens = await this.#open!.greedy.step();
    const { passMs } = tokens[0]!.token;
    return { passMs, tokens: tokens.map((token) => this.#take(token)) };
  }

  release(): void {
    this.#open?.session.release();
    this.#open = undefined;
    this.#clips.clear();
  }

  #take({ sequence, token }: SequenceToken): DecodedToken {
    const { segment, transcript } = this.#clips.get(sequence)!;
    const event = transcript.take(token);
    if (!token.isLast) return { segment, event, transcript: null };
    this.#clips.delete(sequence);
    return { segment, event, transcript: transcript.finish() };
  }

  /** The open session, or a larger one when nothing is in it; another clip of that length can be encoded beside it. */
  #session(capacity: number, sampleCount: number, promptLength: number): OpenSession {
    if (this.#open !== undefined && this.#open.capacity >= capacity) return this.#open;
    this.release();
    for (;;) {
      const sequences = this.#sequences;
      try {
        const session = this.#stages.decoder.openSession({ sequences, capacity, signal: this.#signal });
        this.#open = { session, greedy: new GreedyBatch(session, sequences), capacity };
        if (sequences > 1 && isLong(sampleCount)) {
          this.#stages.encoder.tryRoom(melFrameCount(sampleCount));
          session.tryRoom(promptLength);
        }
        return this.#open;
      } catch (error) {
        this.release();
        const isMemory = error instanceof QwenAsrError && error.code === 'memory';
        if (!isMemory || sequences === 1) throw error;
        this.#sequences = Math.floor(sequences / 2);
      }
    }
  }
}

function capacityFor({ prompt }: GreedyInput, { budget }: TranscribeRequest): number {
  const positions = Math.max(MIN_CAPACITY, prompt.ids.length + budget);
  return Math.ceil(positions / CAPACITY_STEP) * CAPACITY_STEP;
}

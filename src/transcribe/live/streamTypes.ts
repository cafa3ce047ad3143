import type { VadOptions } from '../../audio/vad/speechSegmenter.js';
import type { Aligner, TimedWord } from '../align/alignTypes.js';
import type { StepFigures } from './liveStep.js';

/** How a stream is heard and transcribed. */
export interface StreamOptions {
  /** Rate of the samples that are written, a whole number from 1000 to 768,000; default: 16,000. */
  readonly sampleRateHz?: number;
  /** Name, code or locale of the language; default: the model recognises it, segment by segment. */
  readonly language?: string;
  /** Context for the system prompt (names, jargon); plain text, cannot inject special tokens. */
  readonly context?: string;
  /** The longest context that is taken, for whom memory matters; default: any. */
  readonly maxContextTokens?: number;
  /** Audio from one step to the next, 500 to 30,000; default: 2000. Shorter steps show words earlier and cost more. */
  readonly chunkMs?: number;
  /**
   * Segments begin and end at pauses, as a small model of voice activity finds them, and nothing but speech is heard
   * (default, with the defaults of VadOptions). `false`: everything is heard, and a segment ends after 30 s at its
   * quietest point, or with `endSegment`.
   */
  readonly vad?: VadOptions | boolean;
  /**
   * A step that comes late takes all audio that has arrived, so that it does not come later and later: right for a
   * microphone (default). `false`: steps are made at the same places however the audio comes, and how much of it is
   * written at once makes no difference: right for a recording, whose `write` waits.
   */
  readonly coalesce?: boolean;
  /**
   * For measurements: in every step the model says the rolled-back tokens and so many new ones for each second of new
   * audio, whatever they are, and every one of them is decoded. Nothing is committed but at the end of a segment.
   */
  readonly tokensPerSecond?: number;
  /** `word`: the event that ends a segment says when each of its words was spoken, which needs an aligner. */
  readonly timestamps?: 'segment' | 'word';
  /** What finds the times of words; loadAligner makes one. */
  readonly aligner?: Aligner;
  readonly signal?: AbortSignal;
}

/** What a step has brought. */
export interface StreamEvent {
  /**
   * What is to be appended to the text that stands: it never changes any more. The `committed` of all events, one after
   * the other, are the transcript, with what separates its segments.
   */
  readonly committed: string;
  /** What probably follows, up to where the audio has been heard; replaces the `tentative` of the event before. */
  readonly tentative: string;
  /** The stream up to here is in the text, in milliseconds since its start. */
  readonly audioMs: number;
  /** 0, 1, 2, … */
  readonly segment: number;
  readonly segmentStartMs: number;
  /** Name such as `English`; '' when the model has named none. */
  readonly language: string;
  /** The segment ends with this event, at `audioMs`; its text, all of which is committed now. Else null. */
  readonly segmentText: string | null;
  /** Where speech was last heard in the segment that ends: before `audioMs`, if it ends in a pause. Else, and where it was cleared, null. */
  readonly speechEndMs: number | null;
  /** The words of the segment that ends, in the times of the stream; only where they were asked for. */
  readonly words?: readonly TimedWord[];
  /** Why there are none, or that they can hardly be trusted, a line each. */
  readonly wordNotes?: readonly string[];
  /** The step came late: it took more audio than a chunk. */
  readonly lagging: boolean;
  /** Audio that has been written but is not in the text. */
  readonly behindMs: number;
  /** Wall time of the step; 0 when nothing had to be computed. */
  readonly stepMs: number;
  /** Null when nothing had to be computed. */
  readonly figures: StepFigures | null;
}

/**
 * A stream that is transcribed while it is written. Iterate once, for events as they come; leaving the loop closes the
 * stream. Text that was committed never changes.
 */
export interface SpeechStream extends AsyncIterable<StreamEvent> {
  /**
   * What follows in the stream. Samples beyond [-1, 1] are clamped, and copied at the call.
   *
   * @param samples [any] f32 of the rate that the stream was opened with
   * @returns a promise that resolves when the stream is ready for more; a microphone need not wait for it
   * @throws QwenAsrError (the promise) `audio` for samples that are not finite; `memory` when more than 60 s wait to be
   * transcribed: these samples are not taken; `closed`; what the transcription has failed with
   */
  write(samples: Float32Array): Promise<void>;
  /** The segment ends with what has been written so far. */
  endSegment(): void;
  /** Forgets what was written and is not committed, and goes on with what follows. */
  clear(): void;
  /**
   * Nothing follows.
   *
   * @returns when everything has been transcribed
   * @throws QwenAsrError (the promise) what the transcription has failed with
   */
  finish(): Promise<void>;
  /** Stops at once and frees what is held; what was not transcribed stays so. Harmless after the end. */
  close(): Promise<void>;
}

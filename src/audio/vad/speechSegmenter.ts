import { QwenAsrError } from '../../error.js';
import { describeArgument } from '../../model/describe.js';
import { SAMPLE_RATE_HZ } from '../audioClip.js';
import { quietestSample, splitRule } from '../splitAudio.js';
import { loadSileroWeights, SileroVad, VAD_FRAME_SAMPLES } from './sileroVad.js';

/** How speech is told from what is not. */
export interface VadOptions {
  /** Probability from which on there is speech, over 0 and below 1; it ends where the probability is 0.15 less. Default: 0.5. */
  readonly threshold?: number;
  /** Kept before speech, and at most as much after it, 0 to 10,000. Default: 300. */
  readonly prefixMs?: number;
  /** A pause of this length ends a segment, 0 to 10,000. Default: 800. */
  readonly silenceMs?: number;
}

/** A stretch of a recording in which somebody speaks, in samples. */
export interface SpeechSegment {
  /** [n] f32 */
  readonly samples: Float32Array;
  readonly start: number;
}

/** What became of a stream: a segment began, or one is whole. They alternate, and segments never overlap. */
export type SpeechEvent =
  | { readonly kind: 'start'; readonly start: number }
  | {
      readonly kind: 'end';
      readonly segment: SpeechSegment;
      /** Where speech was last heard in it, in samples of the stream; its end where speech goes on. */
      readonly speechEnd: number;
    };

/** What says how probable speech is in each 512 samples of a stream, one after the other. */
export type SpeechDetector = Pick<SileroVad, 'probability'>;

/** Silero's own: speech that has begun goes on while the probability is above the threshold less this. */
const HYSTERESIS = 0.15;
const LEAST_THRESHOLD = 0.01;

/** Silero's own: what is shorter is a knock or a breath. */
const MIN_SPEECH_MS = 250;

/**
 * Music and hums look like speech for a moment, but never for sure. Of 15 stretches that were taken for speech in 400
 * clips of synthetic music none reached this probability or 0.45 s; of 325 stretches of speech all reached the first.
 */
const SURE = 0.97;
const MIN_DOUBTED_MS = 700;

/** Ends a segment that is long already: past two thirds of the longest. */
const SHORT_PAUSE_MS = 300;
const LONG_SHARE = 2 / 3;

const DEFAULT_VAD = { threshold: 0.5, prefixMs: 300, silenceMs: 800, minSpeechMs: MIN_SPEECH_MS };
const DEFAULT_MAX_SECONDS = 30;

const RANGES: Readonly<
  Record<keyof VadOptions, readonly [expected: string, holds: (value: number) => boolean]>
> = {
  threshold: ['a number over 0 and below 1', (value) => value > 0 && value < 1],
  prefixMs: ['a number from 0 to 10000', (value) => value >= 0 && value <= 10_000],
  silenceMs: ['a number from 0 to 10000', (value) => value >= 0 && value <= 10_000],
};

/**
 * Cuts a stream of sound into segments of speech. A segment begins 300 ms before speech, and ends with a pause of 0.8 s;
 * from 20 s on with the first pause of 0.3 s, and at 30 s at the quietest point of its last 5 s. Of the pause it keeps
 * half, at most 300 ms. Speech of less than 250 ms is none, nor
 * is any of less than 700 ms of which the detector is never sure. How the stream is cut into writes makes no difference, and
 * memory is that of a segment.
 *
 * @example
 * const segmenter = new SpeechSegmenter(new SileroVad(await loadSileroWeights()));
 * for await (const block of microphone) {
 *   for (const event of segmenter.write(block)) if (event.kind === 'end') console.log(event.segment.start / 16000);
 * }
 * segmenter.finish();
 */
export class SpeechSegmenter {
  readonly #detector: SpeechDetector;
  readonly #on: number;
  readonly #off: number;
  readonly #prefix: number;
  readonly #silence: number;
  readonly #minSpeech: number;
  readonly #max: number;
  /** How far before its longest a segment may be cut. */
  readonly #reach: number;
  readonly #held = new HeldSamples();
  /** Samples of which the probability is known. */
  #heard = 0;
  /** Of the segment that is open, which may yet turn out to be too short; null outside speech. */
  #open: { start: number; speechStart: number; isSpeech: boolean; isSure: boolean } | null = null;
  /** Where the pause began that the stream is in, if it is in an open segment. */
  #pauseStart: number | null = null;
  /** The end of the segment before: the next one cannot begin earlier. */
  #ended = 0;

  /**
   * @param options.minSpeechMs shortest speech that there is, 250 by default
   * @param maxSeconds longest segment, at least 1; Infinity: whatever is between two pauses of 0.8 s
   */
  constructor(
    detector: SpeechDetector,
    options: VadOptions & { readonly minSpeechMs?: number } = {},
    maxSeconds: number = DEFAULT_MAX_SECONDS,
  ) {
    const { threshold, prefixMs, silenceMs, minSpeechMs } = { ...DEFAULT_VAD, ...options };
    this.#detector = detector;
    this.#on = threshold;
    this.#off = Math.max(threshold - HYSTERESIS, Math.min(threshold, LEAST_THRESHOLD));
    this.#prefix = samplesIn(prefixMs);
    this.#silence = samplesIn(silenceMs);
    this.#minSpeech = samplesIn(minSpeechMs);
    const { targetSamples, reachSamples } =
      maxSeconds === Number.POSITIVE_INFINITY
        ? { targetSamples: maxSeconds, reachSamples: 0 }
        : splitRule(maxSeconds);
    this.#max = targetSamples;
    this.#reach = reachSamples;
  }

  /** What is known of the segment that has begun and not ended, as far as the stream has been heard; else null. */
  get current(): SpeechSegment | null {
    if (this.#open?.isSpeech !== true) return null;
    const { start } = this.#open;
    return { start, samples: this.#held.copy(start, this.#heard) };
  }

  /** Samples of the stream that have been heard: what was written, but for the last incomplete frame. */
  get heard(): number {
    return this.#heard;
  }

  /** Where the open segment starts that speech has been found in; null outside of speech. */
  get openStart(): number | null {
    return this.#open?.isSpeech === true ? this.#open.start : null;
  }

  /** The open segment may yet turn out to end here, or anywhere behind it: at a pause that goes on, or for its length. */
  get earliestCut(): number {
    if (this.#open === null) return this.#heard;
    const longest = this.#open.start + this.#max - this.#reach;
    const pause = Math.min(samplesIn(SHORT_PAUSE_MS), this.#silence);
    const atPause =
      this.#pauseStart === null
        ? this.#heard
        : this.#pauseStart + Math.min(this.#prefix, Math.floor(pause / 2));
    return Math.min(longest, atPause);
  }

  /**
   * @param samples [n] f32 in [-1, 1], 16 kHz: what follows; copied
   * @throws QwenAsrError `audio` for a sample that is not finite
   */
  write(samples: Float32Array): SpeechEvent[] {
    const events: SpeechEvent[] = [];
    // Piece by piece, so that memory does not depend on how much comes at once.
    for (let at = 0; at < samples.length; at += SAMPLE_RATE_HZ) {
      this.#held.append(samples.subarray(at, at + SAMPLE_RATE_HZ));
      while (this.#held.end - this.#heard >= VAD_FRAME_SAMPLES) this.#hear(VAD_FRAME_SAMPLES, events);
    }
    return events;
  }

  /** Its last samples are heard, and an open segment ends; what is written later follows. */
  finish(): SpeechEvent[] {
    const events: SpeechEvent[] = [];
    const rest = this.#held.end - this.#heard;
    if (rest > 0) this.#hear(rest, events);
    if (this.#open?.isSpeech === true)
      this.#close(Math.min(this.#speechEnd + this.#prefix, this.#heard), events);
    this.#open = null;
    this.#pauseStart = null;
    return events;
  }

  /** @param length of the frame; a shorter one is the last, and zeros follow */
  #hear(length: number, events: SpeechEvent[]): void {
    const at = this.#heard;
    const frame = this.#held.copy(at, at + length);
    const whole = length === VAD_FRAME_SAMPLES ? frame : new Float32Array(VAD_FRAME_SAMPLES);
    whole.set(frame);
    const probability = this.#detector.probability(whole);
    if (Number.isNaN(probability)) throw notFinite(frame, at);
    this.#heard = at + length;
    if (probability >= this.#on) {
      const start = Math.max(this.#ended, at - this.#prefix);
      this.#open ??= { start, speechStart: at, isSpeech: false, isSure: false };
      this.#open.isSure ||= probability >= SURE;
      this.#pauseStart = null;
    } else if (probability < this.#off && this.#open !== null) {
      this.#pauseStart ??= at;
    }
    this.#follow(events);
    this.#held.drop(this.#open?.start ?? Math.max(this.#ended, this.#heard - this.#prefix));
  }

  /** What the frame that was heard means for the open segment. */
  #follow(events: SpeechEvent[]): void {
    const open = this.#open;
    if (open === null) return;
    const least = open.isSure ? this.#minSpeech : Math.max(this.#minSpeech, samplesIn(MIN_DOUBTED_MS));
    if (!open.isSpeech && this.#speechEnd - open.speechStart >= least) {
      open.isSpeech = true;
      events.push({ kind: 'start', start: open.start });
    }
    const pause = this.#heard - this.#speechEnd;
    const isLong = this.#heard - open.start >= LONG_SHARE * this.#max;
    const needed = isLong ? Math.min(samplesIn(SHORT_PAUSE_MS), this.#silence) : this.#silence;
    if (pause > 0 && pause >= needed) {
      if (open.isSpeech) this.#close(this.#speechEnd + Math.min(this.#prefix, Math.floor(pause / 2)), events);
      this.#open = null;
      this.#pauseStart = null;
    } else if (this.#heard - open.start >= this.#max) {
      this.#cut(open.start + this.#max, events);
    }
  }

  /** Ends a segment that has become too long where it is quietest; what follows of the speech is the next one. */
  #cut(latest: number, events: SpeechEvent[]): void {
    const stretch = this.#held.copy(latest - this.#reach, latest);
    const end = latest - this.#reach + quietestSample(stretch, stretch.length);
    const { isSpeech } = this.#open!;
    const speechGoesOn = isSpeech && this.#speechEnd > end;
    if (isSpeech) this.#close(end, events);
    this.#open = speechGoesOn ? { start: end, speechStart: end, isSpeech: true, isSure: true } : null;
    if (speechGoesOn) events.push({ kind: 'start', start: end });
    else this.#pauseStart = null;
  }

  #close(end: number, events: SpeechEvent[]): void {
    const { start } = this.#open!;
    const segment = { start, samples: this.#held.copy(start, end) };
    events.push({ kind: 'end', segment, speechEnd: Math.min(end, this.#speechEnd) });
    this.#ended = end;
  }

  /** Where the speech of the open segment ends, as far as it has been heard. */
  get #speechEnd(): number {
    return this.#pauseStart ?? this.#heard;
  }
}

/** The last samples of a stream, by their index in it. */
class HeldSamples {
  #samples = new Float32Array(4 * SAMPLE_RATE_HZ);
  #start = 0;
  /** Of the stream. */
  end = 0;

  append(samples: Float32Array): void {
    const length = this.end - this.#start;
    if (length + samples.length > this.#samples.length) {
      const larger = new Float32Array(2 * (length + samples.length));
      larger.set(this.#samples.subarray(0, length));
      this.#samples = larger;
    }
    this.#samples.set(samples, length);
    this.end += samples.length;
  }

  copy(from: number, to: number): Float32Array<ArrayBuffer> {
    return this.#samples.slice(from - this.#start, to - this.#start);
  }

  /** Forgets what comes before, in steps of some length so that little is moved. */
  drop(before: number): void {
    const length = before - this.#start;
    if (length < SAMPLE_RATE_HZ) return;
    this.#samples.copyWithin(0, length, this.end - this.#start);
    this.#start = before;
  }
}

/**
 * The stretches of a recording in which somebody speaks; see SpeechSegmenter.
 *
 * @param blocks [any] f32 each, 16 kHz mono
 * @param maxSeconds longest segment, at least 1, or Infinity
 * @throws QwenAsrError `audio` for a sample that is not finite; what `blocks` throws
 */
export async function* splitSpeech(
  blocks: AsyncIterable<Float32Array>,
  options: VadOptions,
  maxSeconds: number = DEFAULT_MAX_SECONDS,
): AsyncGenerator<SpeechSegment, void, undefined> {
  const detector = new SileroVad(await loadSileroWeights());
  const segmenter = new SpeechSegmenter(detector, options, maxSeconds);
  const ends = (events: readonly SpeechEvent[]): SpeechSegment[] =>
    events.flatMap((event) => (event.kind === 'end' ? [event.segment] : []));
  for await (const block of blocks) yield* ends(segmenter.write(block));
  yield* ends(segmenter.finish());
}

/**
 * What a caller without a type checker may have given as `vad`.
 *
 * @returns the options; null for none
 * @throws QwenAsrError `usage`
 */
export function vadOptionsOf(vad: unknown): VadOptions | null {
  if (vad === undefined || vad === null || vad === false) return null;
  if (vad === true) return {};
  if (typeof vad !== 'object' || Array.isArray(vad)) {
    throw refusal('true, false or an object', vad, 'vad');
  }
  for (const [name, [expected, holds]] of Object.entries(RANGES)) {
    const value = (vad as Readonly<Record<string, unknown>>)[name] ?? null;
    if (value === null || (typeof value === 'number' && holds(value))) continue;
    throw refusal(expected, value, `vad.${name}`);
  }
  return Object.fromEntries(Object.entries(vad).filter(([, value]) => (value ?? null) !== null));
}

/** One bad sample would stay in the detector's state for the rest of the stream. */
function notFinite(frame: Float32Array, at: number): QwenAsrError {
  const i = frame.findIndex((value) => !Number.isFinite(value));
  return new QwenAsrError('audio', `audio: sample ${at + i} is ${frame[i]}, expected a finite value`);
}

function refusal(expected: string, found: unknown, option: string): QwenAsrError {
  return new QwenAsrError('usage', `expected ${expected}, found ${describeArgument(found)}`, { option });
}

function samplesIn(ms: number): number {
  return Math.round((ms * SAMPLE_RATE_HZ) / 1000);
}

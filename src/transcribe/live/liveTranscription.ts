import { SAMPLE_RATE_HZ } from '../../audio/audioClip.js';
import { VAD_FRAME_SAMPLES } from '../../audio/vad/sileroVad.js';
import type { SpeechEvent, SpeechSegmenter } from '../../audio/vad/speechSegmenter.js';
import { QwenAsrError } from '../../error.js';
import { nextTurn } from '../../runtime/nextTurn.js';
import { textSeparator } from '../../text/joinTexts.js';
import { addWords, wordInRecording } from '../align/addWords.js';
import type { TextModel } from '../textModel.js';
import type { Aligner } from '../types.js';
import type { StepComputer, StepOutcome } from './liveStep.js';
import { SegmentText } from './segmentText.js';
import type { StreamInput } from './streamInput.js';
import type { StreamEvent } from './streamTypes.js';

/** A step that is due for less than this is on time: audio comes in blocks. */
const LATE_SAMPLES = SAMPLE_RATE_HZ / 4;

/** Tokens that a step may take: far more than speech has, as a segment of a second shows its language first. */
const BUDGET = 32;
const BUDGET_PER_SECOND = 12;

/** Samples that are heard between two visits to the event loop. */
const HEARD_AT_ONCE = SAMPLE_RATE_HZ;

/** How a stream is transcribed, with all defaults filled in. */
interface LiveSettings {
  readonly forcedLanguage: string | undefined;
  readonly chunkSamples: number;
  readonly coalesce: boolean;
  readonly tokensPerSecond: number | undefined;
}

export interface LiveParts {
  readonly input: StreamInput;
  readonly segmenter: SpeechSegmenter;
  readonly steps: StepComputer;
  readonly text: TextModel;
  readonly settings: LiveSettings;
  /** What times the words of segments that have ended; null when nobody asked. */
  readonly aligner: Aligner | null;
  readonly emit: (event: StreamEvent) => void;
  readonly signal: AbortSignal;
}

/** The segment that is being spoken. */
interface OpenSegment {
  readonly index: number;
  /** In samples of the segmenter. */
  readonly start: number;
  /** Samples of the stream that the segmenter has not seen. */
  readonly skipped: number;
  readonly text: SegmentText;
  /** The next step is over so many samples. */
  due: number;
}

/** From the samples of a stream to its events: when to make a step, over what, and what of its text to deliver. */
export class LiveTranscription {
  readonly #parts: LiveParts;
  #segment: OpenSegment | null = null;
  #segmentCount = 0;
  /** Samples of an incomplete frame that the segmenter holds. */
  #pending = 0;
  #skipped = 0;
  #sinceVisit = 0;
  /** The end of the text of earlier segments. */
  #before = '';

  constructor(parts: LiveParts) {
    this.#parts = parts;
  }

  /** Transcribes what comes, until the mark that nothing does. */
  async run(): Promise<void> {
    const { input, segmenter, signal } = this.#parts;
    for (;;) {
      if (signal.aborted) throw new QwenAsrError('aborted', 'stream: stopped by the caller’s signal');
      const item = input.take(VAD_FRAME_SAMPLES - this.#pending);
      if (item === null) {
        if (await this.#catchUp()) continue;
        input.wakeWriters();
        await input.more();
      } else if (typeof item === 'string') {
        this.#pending = 0;
        await this.#follow(segmenter.finish());
        if (item === 'finish') return;
      } else {
        this.#pending = (this.#pending + item.length) % VAD_FRAME_SAMPLES;
        await this.#follow(segmenter.write(item));
        await this.#visitEventLoop(item.length);
      }
    }
  }

  /** Forgets what is not committed. */
  clear(): void {
    const { input, segmenter, steps } = this.#parts;
    segmenter.finish();
    this.#pending = 0;
    this.#skipped += input.clear();
    steps.reset();
    const segment = this.#segment;
    this.#segment = null;
    if (segment === null) return;
    const end = segmenter.heard - segment.start;
    this.#remember(segment.text.committed);
    this.#deliver(segment, { end, committed: '', tentative: '', segmentText: segment.text.committed });
  }

  async #visitEventLoop(samples: number): Promise<void> {
    this.#sinceVisit += samples;
    if (this.#sinceVisit < HEARD_AT_ONCE) return;
    this.#sinceVisit = 0;
    await nextTurn();
  }

  async #follow(events: readonly SpeechEvent[]): Promise<void> {
    for (const event of events) {
      if (event.kind === 'start') this.#begin(event.start);
      else await this.#end(event.segment.samples, event.speechEnd);
    }
    if (!this.#parts.settings.coalesce) await this.#stepsUntil(this.#heard);
  }

  /** Samples of the open segment that have been heard. */
  get #heard(): number {
    return this.#segment === null ? 0 : this.#parts.segmenter.heard - this.#segment.start;
  }

  #begin(start: number): void {
    const { steps, text, settings } = this.#parts;
    const { forcedLanguage, chunkSamples, tokensPerSecond } = settings;
    steps.reset();
    this.#segment = {
      index: this.#segmentCount++,
      start,
      skipped: this.#skipped,
      text: new SegmentText(text, { forcedLanguage, isMeasured: tokensPerSecond !== undefined }),
      due: chunkSamples,
    };
  }

  /** All that has come has been heard: makes the step that is due, if there is one. */
  async #catchUp(): Promise<boolean> {
    const segment = this.#segment;
    const { coalesce, chunkSamples } = this.#parts.settings;
    const heard = this.#heard;
    if (segment === null || !coalesce || heard < segment.due) return false;
    const isLate = heard - segment.due >= LATE_SAMPLES;
    const end = isLate ? heard : segment.due;
    segment.due = end + chunkSamples;
    await this.#step(segment, end, isLate);
    return true;
  }

  /** Every step that is due before or at `end`. */
  async #stepsUntil(end: number): Promise<void> {
    const segment = this.#segment;
    while (segment !== null && segment === this.#segment && segment.due <= end) {
      const { due } = segment;
      segment.due += this.#parts.settings.chunkSamples;
      await this.#step(segment, due, false);
    }
  }

  /** A step in the middle of a segment. */
  async #step(segment: OpenSegment, end: number, lagging: boolean): Promise<void> {
    const { segmenter } = this.#parts;
    const startMs = performance.now();
    const samples = segmenter.current?.samples.subarray(0, end);
    if (samples === undefined) return;
    const outcome = await this.#compute(segment, samples);
    if (segment !== this.#segment) return; // cleared meanwhile
    const before = segment.text.committed;
    const added = segment.text.commit(segmenter.earliestCut - segment.start);
    const committed = added === '' ? '' : this.#separated(before, added);
    const rest = segment.text.shown.slice(segment.text.committed.length);
    const tentative = rest === '' ? '' : this.#separated(segment.text.committed, rest);
    this.#deliver(segment, { end, committed, tentative, lagging, outcome, startMs });
  }

  /** The last step of a segment. @param samples all of it; @param speechEnd in samples of the segmenter */
  async #end(samples: Float32Array, speechEnd: number): Promise<void> {
    const segment = this.#segment;
    if (segment === null) return;
    const end = samples.length;
    const startMs = performance.now();
    segment.text.cutAt(end);
    if (!this.#parts.settings.coalesce) await this.#endedSteps(segment, samples);
    const isHeard = segment.text.heard === end;
    const outcome = isHeard ? undefined : await this.#compute(segment, samples);
    if (segment !== this.#segment) return;
    this.#segment = null;
    const before = segment.text.committed;
    const added = segment.text.finish();
    const committed = added === '' ? '' : this.#separated(before, added);
    this.#remember(segment.text.committed);
    const segmentText = segment.text.committed;
    const words = await this.#words(segment, samples, segmentText);
    const ended = { end, committed, tentative: '', segmentText, words, outcome, startMs };
    this.#deliver(segment, { ...ended, speechEnd });
  }

  /** The words of a segment that has ended, in the times of the stream. */
  async #words(
    { skipped, start, text }: OpenSegment,
    samples: Float32Array,
    segmentText: string,
  ): Promise<Pick<StreamEvent, 'words' | 'wordNotes'>> {
    const { aligner, signal } = this.#parts;
    if (aligner === null) return {};
    const ended = { text: segmentText, language: text.language };
    const { words, wordNotes } = await addWords(ended, samples, aligner, signal);
    const startMs = (skipped + start) / 16;
    const pieces = [{ atMs: 0, startMs, endMs: startMs + samples.length / 16 }];
    return {
      ...(words !== undefined && { words: words.map((word) => wordInRecording(word, pieces)) }),
      ...(wordNotes !== undefined && { wordNotes }),
    };
  }

  /** The steps that were due while the end of the segment was being heard. */
  async #endedSteps(segment: OpenSegment, samples: Float32Array): Promise<void> {
    const { chunkSamples } = this.#parts.settings;
    for (; segment.due < samples.length; segment.due += chunkSamples) {
      if (segment.due <= segment.text.heard) continue;
      await this.#compute(segment, samples.subarray(0, segment.due));
      if (segment !== this.#segment) return;
    }
  }

  async #compute(segment: OpenSegment, samples: Float32Array): Promise<StepOutcome> {
    const { steps, settings } = this.#parts;
    const { text } = segment;
    const prompt = text.prompt();
    const { prefixIds, draftIds } = prompt;
    const rate = settings.tokensPerSecond;
    const seconds = samples.length / SAMPLE_RATE_HZ;
    const budget =
      rate === undefined
        ? BUDGET + Math.ceil(BUDGET_PER_SECOND * seconds)
        : draftIds.length + Math.max(1, Math.round(rate * (seconds - text.heard / SAMPLE_RATE_HZ)));
    const exact = rate !== undefined;
    const outcome = await steps.step({ samples, prefixIds, draftIds, budget, exact });
    text.take(prompt, outcome, samples.length);
    return outcome;
  }

  /** A piece of a segment's text, with what separates it from the segment before if it is the first. */
  #separated(before: string, piece: string): string {
    return (before === '' ? textSeparator(this.#before, piece) : '') + piece;
  }

  /** The next segment follows a text that ends like this. */
  #remember(text: string): void {
    if (text !== '') this.#before = text;
  }

  #deliver(
    segment: OpenSegment,
    what: {
      readonly end: number;
      readonly committed: string;
      readonly tentative: string;
      readonly segmentText?: string;
      readonly speechEnd?: number;
      readonly words?: Pick<StreamEvent, 'words' | 'wordNotes'>;
      readonly lagging?: boolean;
      readonly outcome?: StepOutcome | undefined;
      readonly startMs?: number;
    },
  ): void {
    const { input, segmenter, emit } = this.#parts;
    const { end, outcome, startMs = performance.now() } = what;
    const behind = segmenter.heard + this.#pending + input.waiting - segment.start - end;
    emit({
      committed: what.committed,
      tentative: what.tentative,
      audioMs: (segment.skipped + segment.start + end) / 16,
      segment: segment.index,
      segmentStartMs: (segment.skipped + segment.start) / 16,
      language: segment.text.language,
      segmentText: what.segmentText ?? null,
      speechEndMs: what.speechEnd === undefined ? null : (segment.skipped + what.speechEnd) / 16,
      ...what.words,
      lagging: what.lagging ?? false,
      behindMs: Math.max(0, behind / 16),
      stepMs: outcome === undefined ? 0 : performance.now() - startMs,
      figures: outcome?.figures ?? null,
    });
  }
}

import { QwenAsrError } from '../../error.js';
import { repeatedTail } from '../../text/repeatedTail.js';
import { ASR_TEXT_TAG, parseTranscript } from '../../text/transcript.js';
import { strip } from '../../text/whiteSpace.js';
import { wordBoundary } from '../../text/wordBoundary.js';
import type { TextModel } from '../textModel.js';

/** Of the published algorithm (qwen-asr 0.0.6): tokens that the model says anew in every step, … */
const ROLLBACK_TOKENS = 5;
/** … and how many steps begin with nothing. */
const FREE_STEPS = 2;

/** From so many repetitions on the end of a text is neither believed nor shown to the model again. */
const LOOP_REPETITIONS = 3;

/** What a step asks the model. */
export interface StepPrompt {
  /** Output that stands, which the model goes on with. */
  readonly prefix: string;
  readonly prefixIds: readonly number[];
  /** What it said behind that the last time, and may say again. */
  readonly draftIds: readonly number[];
}

/** What the model said. */
export interface StepAnswer {
  /** Without the end token. */
  readonly ids: readonly number[];
  /** The model ended by itself. */
  readonly ended: boolean;
}

/** The output of the model after a step over the segment's samples up to `end`. */
interface Hypothesis {
  /** Samples of the segment that it has heard. */
  readonly end: number;
  readonly raw: string;
  readonly ids: readonly number[];
}

/**
 * The text of one segment while it is spoken: what every step begins with, and what of its output can be relied on.
 *
 * The published algorithm: a step over all audio so far continues the output of the step before, less its last 5 tokens
 * and less what would cut a character; the first two steps begin with nothing. Here moreover nothing that was committed
 * is taken back, and a text that ends in a loop is continued before its second repetition.
 */
export class SegmentText {
  readonly #text: TextModel;
  readonly #forcedLanguage: string | undefined;
  readonly #isMeasured: boolean;
  #hypotheses: Hypothesis[] = [];
  /** Raw output that has been committed, and the text in it. */
  #committedRaw = '';
  #committed = '';

  /** @param options.isMeasured ids are continued as they are: the text of random weights cannot be encoded */
  constructor(
    text: TextModel,
    options: { readonly forcedLanguage: string | undefined; readonly isMeasured?: boolean },
  ) {
    this.#text = text;
    this.#forcedLanguage = options.forcedLanguage;
    this.#isMeasured = options.isMeasured ?? false;
  }

  /** Text that has been committed so far. */
  get committed(): string {
    return this.#committed;
  }

  /** Samples that the last step has heard. */
  get heard(): number {
    return this.#hypotheses.at(-1)?.end ?? 0;
  }

  /** All that the last step took for the text, committed or not. */
  get shown(): string {
    const raw = this.#hypotheses.at(-1)?.raw ?? '';
    const start = this.#textStart(raw);
    return start < 0 ? '' : strip(raw.slice(start));
  }

  get language(): string {
    const raw = this.#hypotheses.at(-1)?.raw ?? '';
    return parseTranscript(raw, { forcedLanguage: this.#forcedLanguage }).language;
  }

  /** The segment has turned out to end at `end`: what was heard behind it does not count. */
  cutAt(end: number): void {
    this.#hypotheses = this.#hypotheses.filter((hypothesis) => hypothesis.end <= end);
  }

  /** What the next step begins with. */
  prompt(): StepPrompt {
    const last = this.#hypotheses.at(-1);
    if (last === undefined) return { prefix: '', prefixIds: [], draftIds: [] };
    const ids = this.#isMeasured ? last.ids : this.#encode(last);
    if (this.#hypotheses.length < FREE_STEPS) return { prefix: '', prefixIds: [], draftIds: ids };
    if (this.#isMeasured) {
      const prefixIds = ids.slice(0, -ROLLBACK_TOKENS);
      return { prefix: this.#decode(prefixIds), prefixIds, draftIds: ids.slice(prefixIds.length) };
    }
    const { prefix, tokens } = this.#rolledBack(last, ids);
    return { prefix, prefixIds: this.#encode({ raw: prefix, ids }), draftIds: ids.slice(tokens) };
  }

  /**
   * Takes the answer to the last prompt.
   *
   * @param end samples of the segment that the step has heard
   */
  take({ prefix, prefixIds }: StepPrompt, { ids, ended }: StepAnswer, end: number): void {
    const raw = this.#withoutLoop(prefix + this.#decode(ids), ended);
    this.#hypotheses.push({ end, raw, ids: [...prefixIds, ...ids] });
  }

  /**
   * Commits what the next step is going to begin with.
   *
   * @param earliestCut the segment may end there or later: what was spoken behind it is not of this segment
   * @returns what is new
   */
  commit(earliestCut: number): string {
    const last = this.#hypotheses.at(-1);
    if (last === undefined || last.end > earliestCut || this.#isMeasured) return '';
    if (this.#hypotheses.length < FREE_STEPS) return '';
    const { raw } = last;
    const start = this.#textStart(raw);
    const { prefix } = this.#rolledBack(last, this.#encode(last));
    const limit = Math.min(prefix.length, firstRepetitionEnd(raw, 2));
    if (start < 0 || limit <= start) return '';
    const end = start + wordBoundary(raw.slice(start), limit - start);
    if (end <= this.#committedRaw.length) return '';
    return this.#commitText(raw.slice(0, end), strip(raw.slice(start, end)));
  }

  /** Commits all that there is: the segment has ended. @returns what is new */
  finish(): string {
    const last = this.#hypotheses.at(-1);
    if (last === undefined) return '';
    const { text } = parseTranscript(last.raw, { forcedLanguage: this.#forcedLanguage });
    // The repair of a loop may have changed what stands already.
    return this.#commitText(last.raw, text.startsWith(this.#committed) ? text : this.shown);
  }

  #commitText(raw: string, text: string): string {
    const added = text.slice(this.#committed.length);
    this.#committedRaw = raw;
    this.#committed = text;
    return added;
  }

  /** Where the text begins in an output; −1 while the model has not come to it. */
  #textStart(raw: string): number {
    if (this.#forcedLanguage !== undefined) return 0;
    const tag = raw.indexOf(ASR_TEXT_TAG);
    return tag < 0 ? -1 : tag + ASR_TEXT_TAG.length;
  }

  /** The output less its last tokens, and how many are left. */
  #rolledBack({ raw }: Hypothesis, ids: readonly number[]): { prefix: string; tokens: number } {
    const longest = firstRepetitionEnd(raw, LOOP_REPETITIONS);
    for (let tokens = Math.max(0, ids.length - ROLLBACK_TOKENS); tokens > 0; tokens--) {
      const prefix = this.#decode(ids.slice(0, tokens));
      if (prefix.length > longest || prefix.includes('\ufffd')) continue;
      if (!prefix.startsWith(this.#committedRaw)) break;
      return { prefix, tokens };
    }
    const prefix = this.#committedRaw;
    return { prefix, tokens: this.#encode({ raw: prefix, ids }).length };
  }

  /** The model did not end and says the same again and again: once is enough. */
  #withoutLoop(raw: string, ended: boolean): string {
    if (ended || this.#isMeasured) return raw;
    const end = firstRepetitionEnd(raw, LOOP_REPETITIONS);
    return raw.slice(0, Math.max(end, this.#committedRaw.length));
  }

  /** Ids of an output. A vocabulary without merges cannot encode it: then those that the model chose. */
  #encode({ raw, ids }: Pick<Hypothesis, 'raw' | 'ids'>): readonly number[] {
    try {
      const pieces = raw.split(ASR_TEXT_TAG).map((piece) => (piece === '' ? [] : this.#text.encode(piece)));
      return pieces.flatMap((piece, i) => (i === 0 ? piece : [this.#text.promptIds.asrText, ...piece]));
    } catch (error) {
      if (!(error instanceof QwenAsrError && error.code === 'tokenizer')) throw error;
      return ids;
    }
  }

  #decode(ids: readonly number[]): string {
    return this.#text.tokenizer.decode(ids);
  }
}

/** Index behind the first repetition of what an output ends in; its end when that is said less often. */
function firstRepetitionEnd(raw: string, repetitions: number): number {
  const tail = repeatedTail(raw);
  return tail !== null && tail.repetitions >= repetitions ? tail.firstEnd : raw.length;
}

import { strip, stripEnd, stripStart } from './whiteSpace.js';

/** Stands between what the model says about the language and the text. */
export const ASR_TEXT_TAG = '<asr_text>';

const LANGUAGE_PREFIX = 'language ';

/** What Python's `str.splitlines()` splits at, as the inside of a class: U+000A–U+000D are LF, VT, FF and CR. */
const LINE_BREAKS = '\\n-\\r\\x1c-\\x1e\\x85\\u2028\\u2029';

const lineBreak = new RegExp(`[${LINE_BREAKS}]`, 'u');

export interface ParsedTranscript {
  /** Name such as `English`; '' when the model named none. */
  readonly language: string;
  readonly text: string;
}

/**
 * Splits the model's raw output into language and text as the published package does: strip, repair loops, split at
 * the first `<asr_text>` (later ones stay in the text). Without the tag the whole is the text and the language
 * empty. `language None` before the tag means that no speech was recognised.
 *
 * @param raw decoded output, tag included
 * @param options.forcedLanguage the prompt named this language, so the whole output is the text
 * @example
 * parseTranscript('language English<asr_text>Good morning.'); // { language: 'English', text: 'Good morning.' }
 */
export function parseTranscript(
  raw: string,
  options: { readonly forcedLanguage?: string | undefined } = {},
): ParsedTranscript {
  const output = repairRepetition(strip(raw));
  if (options.forcedLanguage !== undefined) return { language: options.forcedLanguage, text: output };
  const tag = output.indexOf(ASR_TEXT_TAG);
  if (tag < 0) return { language: '', text: strip(output) };
  return {
    language: namedLanguage(output.slice(0, tag)),
    text: strip(output.slice(tag + ASR_TEXT_TAG.length)),
  };
}

/** The language that the part before the tag names: on the first line that starts with `language `, in any case. */
function namedLanguage(head: string): string {
  if (head.toLowerCase().includes('language none')) return '';
  for (const line of head.split(lineBreak)) {
    const stripped = strip(line);
    if (stripped.toLowerCase().startsWith(LANGUAGE_PREFIX)) {
      return recase(strip(stripped.slice(LANGUAGE_PREFIX.length)));
    }
  }
  return '';
}

function recase(name: string): string {
  const [first = '', ...rest] = name;
  return first.toUpperCase() + rest.join('').toLowerCase();
}

/**
 * The transcript while it is being decoded, for display: what each raw piece adds to the text after the first
 * `<asr_text>`. All returned strings together, `flush` included, are the text that parseTranscript returns, except
 * where that repairs a loop: a repair needs the end of the loop, and what was shown stays.
 *
 * @example
 * const stream = new TranscriptStream();
 * stream.push('language English'); // ''
 * stream.push('<asr_text>'); // ''
 * stream.push('Good '); // 'Good'
 * stream.push('morning.'); // ' morning.'
 */
export class TranscriptStream {
  /** Before the text begins: all output so far. After: trailing space that becomes text if more follows. */
  #held = '';
  #inText: boolean;
  #started = false;

  /** @param options.forcedLanguage the prompt named a language, so everything is text */
  constructor(options: { readonly forcedLanguage?: string | undefined } = {}) {
    this.#inText = options.forcedLanguage !== undefined;
  }

  /** What this piece adds to the text: nothing before the tag, and no space at the text's ends. */
  push(rawPiece: string): string {
    this.#held += rawPiece;
    if (!this.#inText) {
      const tag = this.#held.indexOf(ASR_TEXT_TAG);
      if (tag < 0) return '';
      this.#held = this.#held.slice(tag + ASR_TEXT_TAG.length);
      this.#inText = true;
    }
    return this.#take();
  }

  /** The rest at the end of the output: without any tag the whole output is the text. */
  flush(): string {
    return this.#inText ? '' : this.#take();
  }

  #take(): string {
    if (!this.#started) this.#held = stripStart(this.#held);
    const text = stripEnd(this.#held);
    this.#held = this.#held.slice(text.length);
    this.#started ||= text !== '';
    return text;
  }
}

/** A run of one character longer than this collapses; a pattern repeated at least this often does. */
const THRESHOLD = 20;

/** Longest pattern that is looked for, in code points. */
const LONGEST_PATTERN = 20;

/** A match of a repeated pattern starts only where at least this many code points remain. */
const LEAST_REMAINING = 2 * THRESHOLD;

/**
 * Repairs the loops that greedy decoding can fall into, as the published package does, over code points:
 * 1. a run of the same character longer than 20 collapses to one;
 * 2. then, from left to right, a pattern of 1 to 20 characters repeated 20 times or more collapses to one. A match
 *    starts only where at least 40 code points remain, the shortest pattern is tried first, all its repetitions are
 *    taken, and the search goes on behind them.
 *
 * Linear in the length of the text.
 *
 * @example
 * repairRepetition('no'.repeat(30) + '!'); // 'no!'
 */
export function repairRepetition(text: string): string {
  // Every collapse needs at least 20 code points.
  return text.length < THRESHOLD ? text : collapsePatterns(collapseRuns([...text])).join('');
}

function collapseRuns(characters: readonly string[]): string[] {
  const kept: string[] = [];
  for (let start = 0; start < characters.length; ) {
    let end = start + 1;
    while (end < characters.length && characters[end] === characters[start]) end++;
    const keptEnd = end - start > THRESHOLD ? start + 1 : end;
    for (let i = start; i < keptEnd; i++) kept.push(characters[i]!);
    start = end;
  }
  return kept;
}

function collapsePatterns(characters: readonly string[]): string[] {
  const periodicUntil = new PeriodicStretches(characters);
  const kept: string[] = [];
  let position = 0;
  while (position + LEAST_REMAINING <= characters.length) {
    const match = periodicUntil.repetition(position);
    const taken = match?.patternLength ?? 1;
    for (let i = 0; i < taken; i++) kept.push(characters[position + i]!);
    position += match?.totalLength ?? 1;
  }
  for (; position < characters.length; position++) kept.push(characters[position]!);
  return kept;
}

/**
 * For each pattern length, how far the text goes on equal to itself that many characters later. Positions asked for
 * must not decrease, so each length walks over the text once.
 */
class PeriodicStretches {
  readonly #characters: readonly string[];
  /** [pattern length] → first position from the last one asked for on where character ≠ the one a pattern later. */
  readonly #end: number[] = new Array<number>(LONGEST_PATTERN + 1).fill(0);

  constructor(characters: readonly string[]) {
    this.#characters = characters;
  }

  /** The shortest pattern that repeats often enough from this position on, and the length of all its repetitions. */
  repetition(position: number): { patternLength: number; totalLength: number } | undefined {
    for (let length = 1; length <= LONGEST_PATTERN; length++) {
      const repetitions = Math.floor((this.#stretchEnd(length, position) - position) / length) + 1;
      if (repetitions >= THRESHOLD) return { patternLength: length, totalLength: repetitions * length };
    }
    return undefined;
  }

  #stretchEnd(length: number, position: number): number {
    const characters = this.#characters;
    let end = Math.max(this.#end[length]!, position);
    while (end + length < characters.length && characters[end] === characters[end + length]) end++;
    this.#end[length] = end;
    return end;
  }
}

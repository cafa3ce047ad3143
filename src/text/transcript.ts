import { repairRepetition } from './repairRepetition.js';
import { strip, stripEnd, stripStart } from './whiteSpace.js';

/** Stands between what the model says about the language and the text. */
const ASR_TEXT_TAG = '<asr_text>';

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

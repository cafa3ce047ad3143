import { ASR_TEXT_TAG } from './transcript.js';
import { stripEnd, stripStart } from './whiteSpace.js';

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

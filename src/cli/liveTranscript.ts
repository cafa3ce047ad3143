import { textSeparator } from '../text/joinTexts.js';
import type { SegmentToken, TranscriptSegment } from '../transcribe/types.js';
import type { InputRecording } from './inputRecordings.js';
import type { ResultSink } from './resultSinks.js';

/**
 * Shows the text of a single recording as it is decoded. Segments are decoded side by side: what those behind the first
 * unfinished one say is held back until it is their turn.
 */
export class LiveTranscript implements ResultSink {
  readonly #out: (text: string) => void;
  /** Text of segments that have not ended, by number. */
  readonly #pieces = new Map<number, string>();
  /** The segment whose text is being shown, and what of it stands there. */
  #current = 0;
  #shown = '';
  /** The last text of a segment before it. */
  #before = '';
  #lineOpen = false;

  constructor(out: (text: string) => void) {
    this.#out = out;
  }

  token({ segment, textPiece }: SegmentToken): void {
    if (segment < this.#current || textPiece === '') return;
    if (segment === this.#current) this.#show(textPiece);
    else this.#pieces.set(segment, (this.#pieces.get(segment) ?? '') + textPiece);
  }

  segment(_: InputRecording, { text }: TranscriptSegment): void {
    if (this.#shown !== text) this.#correct(text);
    if (text !== '') this.#before = text;
    this.#shown = '';
    this.#current++;
    this.#show(this.#pieces.get(this.#current) ?? '');
    this.#pieces.delete(this.#current);
  }

  /** A line for silence too. */
  finish(): void {
    this.#out('\n');
    this.#lineOpen = false;
  }

  fail(): void {
    this.close();
  }

  close(): void {
    if (this.#lineOpen) this.#out('\n');
    this.#lineOpen = false;
  }

  #show(piece: string): void {
    if (piece === '') return;
    const separator = this.#shown === '' && this.#lineOpen ? textSeparator(this.#before, piece) : '';
    this.#out(separator + piece);
    this.#shown += piece;
    this.#lineOpen = true;
  }

  /** The end of a loop changed the text (repetitions are collapsed), or nothing was shown: the whole of it, anew. */
  #correct(text: string): void {
    if (this.#shown !== '') this.#out('\n');
    this.#lineOpen &&= this.#shown === '';
    this.#shown = '';
    this.#show(text);
  }
}

import type { StreamDecoder } from '../text/tokenizer.js';
import { parseTranscript, TranscriptStream } from '../text/transcript.js';
import type { TextModel } from './textModel.js';
import type { TranscribeRequest } from './transcribeRequest.js';

/** The text of the generated tokens, as they come and at the end. */
export class OutputText {
  readonly tokenIds: number[] = [];
  readonly #text: TextModel;
  readonly #request: TranscribeRequest;
  readonly #bytes: StreamDecoder;
  readonly #shown: TranscriptStream;
  #raw = '';
  /** Tokens that are not end tokens: all, and those after the first `<asr_text>`. */
  #plainCount = 0;
  #countAfterTag: number | null = null;

  constructor(text: TextModel, request: TranscribeRequest) {
    this.#text = text;
    this.#request = request;
    this.#bytes = text.tokenizer.streamDecoder();
    this.#shown = new TranscriptStream({ forcedLanguage: request.forcedLanguage });
  }

  /** Takes one token; the last one also brings what was held back. */
  push(token: { id: number; isStop: boolean; isLast: boolean }): { rawPiece: string; textPiece: string } {
    this.tokenIds.push(token.id);
    this.#count(token);
    const rawPiece = this.#bytes.push(token.id) + (token.isLast ? this.#bytes.flush() : '');
    this.#raw += rawPiece;
    const textPiece = this.#shown.push(rawPiece) + (token.isLast ? this.#shown.flush() : '');
    return { rawPiece, textPiece };
  }

  /** The parsed transcript and its token count, once the last token has been pushed. */
  finish(): { text: string; language: string; raw: string; textTokenCount: number } {
    const { exact, forcedLanguage } = this.#request;
    const parsed = parseTranscript(this.#raw, { forcedLanguage });
    const afterTag = forcedLanguage === undefined ? this.#countAfterTag : null;
    const textTokenCount = exact ? this.tokenIds.length : (afterTag ?? this.#plainCount);
    return { ...parsed, raw: this.#raw, textTokenCount };
  }

  #count({ id, isStop }: { id: number; isStop: boolean }): void {
    if (isStop) return;
    this.#plainCount++;
    if (this.#countAfterTag !== null) this.#countAfterTag++;
    else if (id === this.#text.promptIds.asrText) this.#countAfterTag = 0;
  }
}

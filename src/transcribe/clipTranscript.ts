import type { GreedyToken } from '../decoder/greedyBatch.js';
import type { Prompt } from '../decoder/prompt.js';
import type { Ledger } from './ledger.js';
import { checkFinite } from './numericDiagnosis.js';
import { OutputText } from './outputText.js';
import type { TextModel } from './textModel.js';
import type { TranscribeRequest } from './transcribeRequest.js';
import type { TokenEvent, Transcript } from './types.js';

/** What is known of a clip once its prompt is. */
export interface ClipFacts {
  readonly prompt: Prompt;
  readonly durationMs: number;
}

/** The transcript of one clip while its tokens come. */
export class ClipTranscript {
  readonly #facts: ClipFacts;
  readonly #request: TranscribeRequest;
  readonly #ledger: Ledger;
  readonly #output: OutputText;
  readonly #logProbabilities: number[] = [];
  #last: GreedyToken | undefined;

  constructor(text: TextModel, facts: ClipFacts, request: TranscribeRequest, ledger: Ledger) {
    this.#facts = facts;
    this.#request = request;
    this.#ledger = ledger;
    this.#output = new OutputText(text, request);
  }

  /**
   * Takes the next token and says what it adds. A pass of several sequences is charged to each in equal parts.
   *
   * @throws QwenAsrError `numeric` for a logit that is not finite
   */
  take(token: GreedyToken): Omit<TokenEvent, 'atMs'> {
    const index = this.#output.tokenIds.length;
    const shareMs = token.passMs / token.rows;
    if (index === 0) this.#ledger.add('prefillMs', shareMs);
    else this.#ledger.addDecodeStep(shareMs);
    this.#ledger.markFirstToken();
    checkFinite(index === 0 ? 'first_logits' : 'step_best_logits', Float32Array.of(token.logit), [1]);
    const pieces = this.#ledger.time('detokenizeMs', () => this.#output.push(token));
    this.#logProbabilities.push(token.logProbability);
    this.#last = token;
    return { id: token.id, index, ...pieces, logProbability: token.logProbability };
  }

  /** The transcript, once the last token has been taken. */
  finish(): Transcript {
    const finished = this.#ledger.time('detokenizeMs', () => this.#output.finish());
    const { prompt, durationMs } = this.#facts;
    return {
      ...finished,
      tokenIds: this.#output.tokenIds,
      logProbabilities: this.#logProbabilities,
      promptTokenCount: prompt.ids.length,
      audioTokenCount: prompt.audioTokens,
      durationMs,
      truncated: !this.#request.exact && this.#last?.isStop === false,
      timings: this.#ledger.close(),
    };
  }
}

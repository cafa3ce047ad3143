import { decodeGreedily, type GreedyToken } from '../decoder/greedyBatch.js';
import type { Prompt } from '../decoder/prompt.js';
import type { StreamDecoder } from '../text/tokenizer.js';
import { parseTranscript, TranscriptStream } from '../text/transcript.js';
import { type ClipContext, checkRoom, encodeClip, type Stages } from './encodeClip.js';
import type { Ledger } from './ledger.js';
import { checkFinite } from './numericDiagnosis.js';
import type { TextModel } from './textModel.js';
import type { TranscribeRequest } from './transcribeRequest.js';
import type { TokenEvent, Transcript } from './types.js';

/** How one run is timed, watched and stopped, and who hears of its tokens. */
export interface RunContext extends ClipContext {
  readonly emit: (event: TokenEvent) => void;
}

/**
 * The pipeline: samples → log-mel → encoder → prompt → decoder → tokens → text.
 *
 * @param samples [n] f32, mono, 16 kHz
 * @throws QwenAsrError `audio` for samples that are empty or not finite; `numeric` when log-mel, encoder output or a
 * chosen logit is not finite; `memory`; `aborted`; `closed`
 */
export async function transcribeClip(
  stages: Stages,
  samples: Float32Array,
  request: TranscribeRequest,
  run: RunContext,
): Promise<Transcript> {
  const { ledger, signal, observer } = run;
  ledger.time('prefillMs', () => checkRoom(stages, samples.length, request));
  const input = await encodeClip(stages, samples, request, run);
  const facts = { prompt: input.prompt, durationMs: samples.length / 16 };
  const transcript = new ClipTranscript(stages.text, facts, request, ledger);
  const capacity = input.prompt.ids.length + request.budget;
  const session = ledger.time('prefillMs', () =>
    stages.decoder.openSession({ sequences: 1, capacity, signal, observer }),
  );
  try {
    const { budget, exact } = request;
    const options = { stopIds: stages.text.promptIds.endIds, budget, exact };
    for await (const token of decodeGreedily(session, input, options)) {
      run.emit({ ...transcript.take(token), atMs: ledger.elapsedMs() });
    }
    return transcript.finish();
  } finally {
    session.release();
  }
}

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

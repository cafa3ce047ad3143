import { SAMPLE_RATE_HZ } from '../audio/audioClip.js';
import type { MelStage } from '../audio/melSpectrogram.js';
import type { Decoder } from '../decoder/decoder.js';
import { decodeGreedily, type GreedyInput, type GreedyToken } from '../decoder/greedyBatch.js';
import { buildPrompt, type Prompt } from '../decoder/prompt.js';
import { audioTokenCount } from '../encoder/convStem.js';
import type { Encoder } from '../encoder/encoder.js';
import { QwenAsrError } from '../error.js';
import { melFrameCount } from '../ops/logMelShape.js';
import type { Observer } from '../ops/operators.js';
import type { StreamDecoder } from '../text/tokenizer.js';
import { parseTranscript, TranscriptStream } from '../text/transcript.js';
import type { Ledger } from './ledger.js';
import { checkFinite } from './numericDiagnosis.js';
import type { TextModel } from './textModel.js';
import type { TranscribeRequest } from './transcribeRequest.js';
import type { TokenEvent, Transcript } from './types.js';

/** The four stages of one loaded model. */
export interface Stages {
  readonly mel: MelStage;
  readonly encoder: Encoder;
  readonly decoder: Decoder;
  readonly text: TextModel;
}

/** How the work on one clip is timed, watched and stopped. */
export interface ClipContext {
  readonly ledger: Ledger;
  readonly signal?: AbortSignal | undefined;
  readonly observer?: Observer | undefined;
}

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

/**
 * The first half of the pipeline: samples → log-mel → encoder → prompt.
 *
 * @param samples [n] f32, mono, 16 kHz
 * @throws QwenAsrError `audio` for samples that are empty or not finite; `numeric` when log-mel or encoder output is not
 * finite; `aborted`; `closed`
 */
export async function encodeClip(
  stages: Pick<Stages, 'mel' | 'encoder' | 'text'>,
  samples: Float32Array,
  request: TranscribeRequest,
  context: ClipContext,
): Promise<GreedyInput> {
  const { ledger } = context;
  const mel = await ledger.timeAsync('melMs', async () => {
    const mel = await stages.mel.run(samples, context);
    checkFinite('mel', mel.data, [mel.bins, mel.frames]);
    return mel;
  });
  ledger.endPhase('mel');
  const onStemEnd = (): void => ledger.endPhase('convStem');
  const encoding = await stages.encoder.encode(mel, { ...context, onStemEnd });
  ledger.add('convStemMs', encoding.timings.convStemMs);
  ledger.add('encoderLayersMs', encoding.timings.encoderLayersMs);
  ledger.time('encoderLayersMs', () =>
    checkFinite('encoder', encoding.data, [encoding.tokens, encoding.hidden]),
  );
  ledger.endPhase('encoderLayers');
  const content = { ...request.promptContent, audioTokens: encoding.tokens };
  const prompt = ledger.time('prefillMs', () => buildPrompt(stages.text.promptIds, content));
  return { prompt, audio: encoding.data };
}

/** Shorter audio fits beside every model, and is not held up by looking. */
const LONG_SAMPLES = 60 * SAMPLE_RATE_HZ;

/** Whether a clip is so long that memory may not suffice for it. */
export function isLong(sampleCount: number): boolean {
  return sampleCount > LONG_SAMPLES;
}

/**
 * Takes all the memory that a long clip will need and gives it back, so that what does not fit is found before minutes of
 * computing, and not after them.
 *
 * @throws QwenAsrError `memory` in one line that says how long the clip is
 */
export function checkRoom(
  stages: Omit<Stages, 'mel'>,
  sampleCount: number,
  request: TranscribeRequest,
): void {
  if (!isLong(sampleCount)) return;
  const { encoder, decoder, text } = stages;
  const frames = melFrameCount(sampleCount);
  const content = { ...request.promptContent, audioTokens: audioTokenCount(frames) };
  const { ids } = buildPrompt(text.promptIds, content);
  try {
    encoder.tryRoom(frames);
    const session = decoder.openSession({ sequences: 1, capacity: ids.length + request.budget });
    try {
      session.tryRoom(ids.length);
    } finally {
      session.release();
    }
  } catch (cause) {
    if (!(cause instanceof QwenAsrError && cause.code === 'memory')) throw cause;
    const seconds = Math.round(sampleCount / SAMPLE_RATE_HZ);
    const need = `${seconds} s of audio at once, with ${request.budget} tokens, need more memory than there is`;
    throw new QwenAsrError('memory', `${need}: cut it into shorter segments (${cause.message})`, { cause });
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

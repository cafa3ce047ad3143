import type { Mel } from '../../audio/melSpectrogram.js';
import { padShortClip } from '../../audio/prepareSamples.js';
import type { EnteringPrompt, GreedyBatch, SequenceToken } from '../../decoder/greedyBatch.js';
import { buildPrompt, type Prompt } from '../../decoder/prompt.js';
import { audioTokenCount } from '../../encoder/convStem.js';
import { melFrameCount } from '../../ops/logMelShape.js';
import { Ledger } from '../ledger.js';
import { checkFinite } from '../numericDiagnosis.js';
import type { Stages } from '../transcribeClip.js';
import type { TranscribeRequest } from '../transcribeRequest.js';
import type { RecordingSegment } from '../types.js';

/**
 * Positions of a prompt in one piece: enough that arithmetic and not the reading of weights takes the time, and no more
 * than a few decode steps (docs/adr/0009-requests-in-one-batch.md).
 */
const PREFILL_ROWS = 128;

/**
 * A segment on its way into the batch: log-mel, encoder, prompt, in pieces between which those that are in go on. Its
 * sequence is taken from the first piece on.
 */
export class JoiningSegment {
  readonly ledger = new Ledger(performance.now());
  readonly request: TranscribeRequest;
  readonly prompt: Prompt;
  readonly #stages: Stages;
  readonly #entering: EnteringPrompt;
  readonly #samples: Float32Array;
  /** [prompt.audioTokens, hidden] f32: the encoder's output, as far as it is computed. */
  readonly #audio: Float32Array;
  #mel: Mel | undefined;
  #encodedFrames = 0;

  /** @throws QwenAsrError `internal` when no sequence of the batch is free */
  constructor(stages: Stages, greedy: GreedyBatch, segment: RecordingSegment, request: TranscribeRequest) {
    this.#stages = stages;
    this.request = request;
    this.#samples = segment.samples;
    this.prompt = promptOf(stages, segment, request);
    this.#audio = new Float32Array(this.prompt.audioTokens * stages.decoder.config.hidden);
    const { budget, exact } = request;
    const input = { prompt: this.prompt, audio: this.#audio };
    this.#entering = greedy.begin(input, { stopIds: stages.text.promptIds.endIds, budget, exact });
  }

  get sequence(): number {
    return this.#entering.sequence;
  }

  /**
   * Computes the next piece.
   *
   * @returns the first token when it was the last piece; else null
   * @throws QwenAsrError `audio`, `numeric`, `memory`, `closed`
   */
  async advance(greedy: GreedyBatch): Promise<SequenceToken | null> {
    if (this.#mel === undefined) await this.#computeMel();
    if (this.#encodedFrames < this.#mel!.frames) {
      await this.#encodeWindow(this.#mel!);
      return null;
    }
    const startMs = performance.now();
    const left = this.prompt.ids.length - this.#entering.position;
    // A short tail by itself would read all weights for a few rows.
    const rows = left <= 1.5 * PREFILL_ROWS ? left : PREFILL_ROWS;
    const first = await greedy.advance(this.#entering, rows);
    if (first === null) this.ledger.add('prefillMs', performance.now() - startMs);
    return first;
  }

  async #computeMel(): Promise<void> {
    const mel = await this.ledger.timeAsync('melMs', () => this.#stages.mel.run(this.#samples, {}));
    checkFinite('mel', mel.data, [mel.bins, mel.frames]);
    this.#mel = mel;
  }

  /** Windows do not see one another, nor do the chunks of the conv stem: each gives what it gives in the whole clip. */
  async #encodeWindow(mel: Mel): Promise<void> {
    const start = this.#encodedFrames;
    const { chunkFrames, tokensPerChunk, windowTokens } = this.#stages.encoder.config;
    const windowFrames = (windowTokens / tokensPerChunk) * chunkFrames;
    // A tail of less than a chunk is convolved at the width of the chunks before it, so it goes with them.
    const isLast = mel.frames - start < windowFrames + chunkFrames;
    const end = isLast ? mel.frames : start + windowFrames;
    const { data, tokens, hidden, timings } = await this.#stages.encoder.encode(melFrames(mel, start, end));
    checkFinite('encoder', data, [tokens, hidden]);
    this.ledger.add('convStemMs', timings.convStemMs);
    this.ledger.add('encoderLayersMs', timings.encoderLayersMs);
    this.#audio.set(data, audioTokenCount(start, chunkFrames) * hidden);
    this.#encodedFrames = end;
  }
}

/** The prompt of a segment; its length is known before anything is computed. */
export function promptOf(
  { text }: Pick<Stages, 'text'>,
  { samples }: RecordingSegment,
  { promptContent }: TranscribeRequest,
): Prompt {
  const audioTokens = audioTokenCount(melFrameCount(padShortClip(samples).length));
  return buildPrompt(text.promptIds, { ...promptContent, audioTokens });
}

/** Columns [start, end) of a mel. */
function melFrames({ data, bins, frames }: Mel, start: number, end: number): Mel {
  const count = end - start;
  if (count === frames) return { data, bins, frames };
  const part = new Float32Array(bins * count);
  for (let bin = 0; bin < bins; bin++) {
    part.set(data.subarray(bin * frames + start, bin * frames + end), bin * count);
  }
  return { data: part, bins, frames: count };
}

import { SAMPLE_RATE_HZ } from '../../audio/audioClip.js';
import type { DecoderSession } from '../../decoder/decoder.js';
import type { Choice } from '../../decoder/decoderLayers.js';
import { buildPrompt, type Prompt, type PromptContent } from '../../decoder/prompt.js';
import { audioTokenCount } from '../../encoder/convStem.js';
import type { GrowingEncoding, GrownEncoding } from '../../encoder/growingEncoding.js';
import { melFrameCount } from '../../ops/logMelShape.js';
import { checkFinite } from '../numericDiagnosis.js';
import type { Stages } from '../transcribeClip.js';
import type { Turn } from '../transcribeSegments.js';
import {
  endsInLoop,
  MAX_SEGMENT_SECONDS,
  type StepComputer,
  type StepInput,
  type StepOutcome,
} from './liveStep.js';

/** Positions for the text of a segment, and what of it is verified: twelve tokens a second, and as many again as a word. */
const TEXT_POSITIONS = 512;

/** What the chat template adds to audio and context, and more than the longest name of a language. */
const TEMPLATE_POSITIONS = 64;

const AUDIO_POSITIONS = audioTokenCount(melFrameCount(MAX_SEGMENT_SECONDS * SAMPLE_RATE_HZ));

/** Positions that the cache of a stream has at most, with a context of so many tokens. */
export function livePositions(contextTokens: number): number {
  return AUDIO_POSITIONS + TEMPLATE_POSITIONS + contextTokens + TEXT_POSITIONS;
}

/** What came of the prefill: tokens that the model says again, and the first that it says anew. */
interface Verified {
  readonly accepted: readonly number[];
  readonly next: Choice;
  /** Of `next`. */
  readonly position: number;
  readonly prefilledTokens: number;
}

/**
 * Steps that compute only what is new. Windows of the encoder whose mel is unchanged keep their output; the decoder keeps
 * the keys and values of everything before the first changed audio token; the tokens that are rolled back are verified in
 * the same pass, and only from the first that comes out differently on is decoded one by one.
 */
export class CachedSteps implements StepComputer {
  readonly #stages: Stages;
  readonly #content: Omit<PromptContent, 'audioTokens'>;
  readonly #turn: Turn;
  readonly #signal: AbortSignal;
  readonly #encoding: GrowingEncoding;
  /** Positions of the session; known once it is open. */
  #capacity = 0;
  #session: DecoderSession | undefined;
  /** What of the prompt is in the cache: nothing, or what comes before the audio and so many tokens of the audio. */
  #hasSystem = false;
  #cachedAudio = 0;

  /** @param turn lets a pass run when it is the stream's turn on the model */
  constructor(stages: Stages, content: Omit<PromptContent, 'audioTokens'>, turn: Turn, signal: AbortSignal) {
    this.#stages = stages;
    this.#content = content;
    this.#turn = turn;
    this.#signal = signal;
    this.#encoding = stages.encoder.grow();
  }

  async step(input: StepInput): Promise<StepOutcome> {
    const startMs = performance.now();
    let melMs = 0;
    const encoding = await this.#turn(async () => {
      const mel = await this.#stages.mel.run(input.samples, { signal: this.#signal });
      checkFinite('mel', mel.data, [mel.bins, mel.frames]);
      melMs = performance.now() - startMs;
      return this.#encode(mel);
    });
    const encodedMs = performance.now();
    const verified = await this.#turn(() => this.#prefill(encoding, input));
    const prefilledMs = performance.now();
    const { ids, ended } = await this.#decode(verified, input);
    const figures = {
      melMs,
      convStemMs: encoding.stemMs,
      encoderLayersMs: encodedMs - startMs - melMs - encoding.stemMs,
      prefillMs: prefilledMs - encodedMs,
      decodeMs: performance.now() - prefilledMs,
      audioTokens: encoding.tokens,
      encodedTokens: encoding.layerTokens,
      prefilledTokens: verified.prefilledTokens,
      draftTokens: input.draftIds.length,
      acceptedTokens: verified.accepted.length,
      decodedTokens: ids.length - verified.accepted.length,
      floorMoved: encoding.floorMoved,
    };
    return { ids, ended, figures };
  }

  reset(): void {
    this.#encoding.reset();
    this.#cachedAudio = 0;
  }

  release(): void {
    this.reset();
    this.#session?.release();
    this.#session = undefined;
    this.#hasSystem = false;
  }

  async #encode(mel: { data: Float32Array; bins: number; frames: number }): Promise<GrownEncoding> {
    const encoding = await this.#encoding.update(mel, this.#signal);
    this.#cachedAudio = Math.min(this.#cachedAudio, encoding.unchangedTokens);
    checkFinite('encoder', encoding.data, [encoding.tokens, encoding.hidden]);
    return encoding;
  }

  async #prefill(encoding: GrownEncoding, { prefixIds, draftIds, exact }: StepInput): Promise<Verified> {
    const prompt = this.#prompt(encoding.tokens, [...prefixIds, ...draftIds]);
    const from = this.#hasSystem ? prompt.audioStart + this.#cachedAudio : 0;
    const input = { sequence: 0, prompt, audio: encoding.data, from, choiceCount: draftIds.length + 1 };
    const choices = await this.#open().resume(input);
    this.#hasSystem = true;
    this.#cachedAudio = encoding.tokens;
    const logits = Float32Array.from(choices, ({ logit }) => logit);
    checkFinite('logits', logits, [logits.length]);
    const same = exact ? 0 : draftIds.findIndex((id, i) => choices[i]!.id !== id);
    const accepted = same < 0 ? draftIds : draftIds.slice(0, same);
    return {
      accepted,
      next: choices[accepted.length]!,
      position: prompt.ids.length - draftIds.length + accepted.length,
      prefilledTokens: prompt.ids.length - from,
    };
  }

  async #decode(
    { accepted, next, position }: Verified,
    { budget, exact }: StepInput,
  ): Promise<{ ids: number[]; ended: boolean }> {
    const { endIds } = this.#stages.text.promptIds;
    const ids = [...accepted];
    let choice = next;
    for (let at = position; ; at++) {
      if (endIds.has(choice.id) && !exact) return { ids, ended: true };
      ids.push(choice.id);
      const isFull = ids.length >= budget || at + 1 >= this.#capacity;
      if (isFull || (!exact && endsInLoop(ids))) return { ids, ended: false };
      choice = await this.#turn(() => this.#decodeOne(choice.id, at));
    }
  }

  async #decodeOne(id: number, position: number): Promise<Choice> {
    const [choice] = await this.#open().step({
      ids: Int32Array.of(id),
      positions: Int32Array.of(position),
      sequences: Int32Array.of(0),
    });
    checkFinite('step_best_logits', Float32Array.of(choice!.logit), [1]);
    return choice!;
  }

  #prompt(audioTokens: number, outputIds: readonly number[]): Prompt {
    return buildPrompt(this.#stages.text.promptIds, { ...this.#content, audioTokens, outputIds });
  }

  #open(): DecoderSession {
    if (this.#session === undefined) {
      const capacity = this.#prompt(AUDIO_POSITIONS, []).ids.length + TEXT_POSITIONS;
      const options = { sequences: 1, capacity, signal: this.#signal };
      this.#session = this.#stages.decoder.openSession(options);
      this.#capacity = capacity;
    }
    return this.#session;
  }
}

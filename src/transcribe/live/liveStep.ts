import type { StepAnswer } from './segmentText.js';

/** One step: what the model is to transcribe, and what stands already. */
export interface StepInput {
  /** [n] f32: the segment from its start on. */
  readonly samples: Float32Array;
  readonly prefixIds: readonly number[];
  readonly draftIds: readonly number[];
  /** Tokens to generate at most, drafts included. */
  readonly budget: number;
  /** For measurements: generate the whole budget, and accept no draft. */
  readonly exact: boolean;
}

/** What a step cost. */
export interface StepFigures {
  readonly melMs: number;
  readonly convStemMs: number;
  readonly encoderLayersMs: number;
  readonly prefillMs: number;
  readonly decodeMs: number;
  /** Of the whole segment. */
  readonly audioTokens: number;
  /** Tokens that went through the encoder's layers, and positions that went through the decoder's. */
  readonly encodedTokens: number;
  readonly prefilledTokens: number;
  /** Tokens of the step before that might change, those of them that the model says again, and those that it was asked for one by one. */
  readonly draftTokens: number;
  readonly acceptedTokens: number;
  readonly decodedTokens: number;
  /** The clip's loudest cell became louder: audio that had been encoded was encoded again. */
  readonly floorMoved: boolean;
}

export interface StepOutcome extends StepAnswer {
  readonly figures: StepFigures;
}

/** Computes the steps of segments that follow one another. */
export interface StepComputer {
  /** @throws QwenAsrError `numeric`; `memory`; `aborted`; `closed` */
  step(input: StepInput): Promise<StepOutcome>;
  /** Another segment begins. */
  reset(): void;
  /** Frees what is held. */
  release(): void;
}

/** Longest segment of a stream. */
export const MAX_SEGMENT_SECONDS = 30;

/** Period of the longest loop that is noticed while it is decoded, how often it has to come, and how long it has to be. */
const LONGEST_PERIOD = 48;
const LOOP_PERIODS = 3;
const LOOP_TOKENS = 24;

/**
 * Whether generated tokens end in a loop that the model will hardly leave by itself: three times the same, at least 24
 * tokens in all.
 */
export function endsInLoop(ids: readonly number[]): boolean {
  for (let period = 1; period <= LONGEST_PERIOD; period++) {
    const needed = Math.max(LOOP_TOKENS, LOOP_PERIODS * period);
    if (needed > ids.length) continue;
    let run = period;
    while (run < needed && ids.at(-1 - run) === ids.at(-1 - run + period)) run++;
    if (run === needed) return true;
  }
  return false;
}

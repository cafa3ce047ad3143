import type { StepComputer, StepInput, StepOutcome } from '../../../src/transcribe/live/liveStep.js';
import { byteTokenizer } from './byteText.js';

/*
 * Speech without pauses, heard by a listener who makes no mistakes: every word is a level that its samples hold for 0.4 s,
 * and 0.1 s that are nearly quiet follow. A word that has not ended is heard wrong. So whatever is missing, double or wrong
 * in the text was made so by the stream.
 */

export const RATE_HZ = 16_000;
const WORD_SAMPLES = 0.4 * RATE_HZ;
const GAP_SAMPLES = 0.1 * RATE_HZ;
const LEVELS = 1000;

export const wordOf = (index: number): string => `word${index}`;

/** So many words, one after the other. */
export function speech(words: number): Float32Array {
  const samples = new Float32Array(words * (WORD_SAMPLES + GAP_SAMPLES));
  for (let index = 0; index < words; index++) {
    const start = index * (WORD_SAMPLES + GAP_SAMPLES);
    samples.fill((index + 1) / LEVELS, start, start + WORD_SAMPLES);
  }
  return samples;
}

/** What is heard in samples. */
function textOf(samples: Float32Array): string {
  const words: string[] = [];
  for (let at = 0; at < samples.length; ) {
    let end = at + 1;
    while (end < samples.length && samples[end] === samples[at]) end++;
    const index = Math.round(samples[at]! * LEVELS) - 1;
    if (index >= 0) words.push(end - at === WORD_SAMPLES ? wordOf(index) : `x${index}`);
    at = end;
  }
  return words.join(' ');
}

export class PerfectListener implements StepComputer {
  /** The longest segment that was heard, in samples. */
  longest = 0;

  async step({ samples, prefixIds }: StepInput): Promise<StepOutcome> {
    this.longest = Math.max(this.longest, samples.length);
    const prefix = byteTokenizer.decode(prefixIds);
    const text = textOf(samples);
    // What stands is gone on with, right or wrong, as a model would.
    const rest = text.startsWith(prefix) ? text.slice(prefix.length) : ' (something else)';
    return { ids: byteTokenizer.encode(rest), ended: true, figures: FIGURES };
  }

  reset(): void {}

  release(): void {}
}

const FIGURES = {
  melMs: 0,
  convStemMs: 0,
  encoderLayersMs: 0,
  prefillMs: 0,
  decodeMs: 0,
  audioTokens: 0,
  encodedTokens: 0,
  prefilledTokens: 0,
  draftTokens: 0,
  acceptedTokens: 0,
  decodedTokens: 0,
  floorMoved: false,
};

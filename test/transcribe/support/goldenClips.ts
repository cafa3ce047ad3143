import type { OperandType, TranscribeOptions } from '../../../src/browser.js';

/** Relative RMS of every stage against the independent implementation, which computes in f32. */
export const STAGE_BOUND: Readonly<Record<OperandType, number>> = { f32: 1e-4, bf16: 1e-2 };

export const STAGES = ['mel', 'stem', 'enc_layer0', 'encoder', 'first_logits'];

/** A clip that the independent implementation has run. */
export interface GoldenClip {
  readonly name: string;
  readonly options: TranscribeOptions;
  /** The best two logits of some step are closer than bf16 resolves: tokens are compared in f32 only. */
  readonly hasTinyMargins?: true;
}

/** Spelled from the golden's prompt pieces; `<|im_end|>` is plain text in it. */
const CONTEXT = 'Lights: kitchen, bedroom.\nPlain text: <|im_end|>';

/** All goldens of the demo model. */
export const DEMO_CLIPS: readonly GoldenClip[] = [
  { name: 'demo/timer-en', options: {} },
  { name: 'demo/light-en', options: {} },
  { name: 'demo/weather-de', options: {} },
  { name: 'demo/music-es', options: {} },
  { name: 'demo/silence-3s', options: {} },
  { name: 'demo/timer-en-forced', options: { language: 'en' } },
  { name: 'demo/light-en-context', options: { context: CONTEXT } },
  { name: 'demo/lamp-zh', options: {} },
  { name: 'demo/timer-en-noisy', options: {} },
  { name: 'demo/morning-en', options: {} },
  { name: 'demo/travel-de', options: {} },
];

/** The published vocabulary of 151,936 entries on random weights: `synthetic:tiny:1`. */
export const SYNTHETIC_CLIP: GoldenClip = {
  name: 'synthetic-tiny-seed1',
  options: { exactTokens: 4 },
  hasTinyMargins: true,
};

import type { LoadOptions } from '../transcribe/types.js';

/** `pipeline`: audio to text; `encoder`: mel spectrogram to audio embeddings. */
export type BenchmarkMode = 'pipeline' | 'encoder';

/** What a benchmark hears. */
export type AudioPlan =
  | { readonly kind: 'silence'; readonly seconds: number }
  | { readonly kind: 'file'; readonly path: string };

/** One benchmark, decided before anything is loaded. */
export interface BenchmarkPlan {
  readonly mode: BenchmarkMode;
  /** Measured runs; one warm-up comes first and is not counted. */
  readonly runs: number;
  readonly audio: AudioPlan;
  /** A model directory, or `synthetic:SIZE[:SEED]`. */
  readonly model: string;
  readonly load: LoadOptions;
  /** Decode exactly this many tokens; undefined leaves it to the model, or to {@link syntheticTokens}. */
  readonly exactTokens: number | undefined;
}

/** Speech brings about 3 tokens a second; random weights would never stop on their own. */
const SYNTHETIC_TOKENS_PER_SECOND = 3;

/** Tokens that a run on random weights decodes when the user named no number: 15 for 5 seconds. */
export function syntheticTokens(durationMs: number): number {
  return Math.max(1, Math.round((durationMs / 1000) * SYNTHETIC_TOKENS_PER_SECOND));
}

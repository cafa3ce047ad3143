import type { Backend, Precision } from '../../ops/operators.js';

/** A word of a transcript and when it is spoken. In scripts without spaces it is a single character or what a dictionary finds. */
export interface TimedWord {
  /** Without the punctuation around it, and inside of it (`e-mail` is `email`). */
  readonly text: string;
  /** In the recording. Words are in order and never overlap; one may last 0 ms. */
  readonly startMs: number;
  readonly endMs: number;
  /** Where it stands in the segment's text: UTF-16 units from textStart to before textEnd. */
  readonly textStart: number;
  readonly textEnd: number;
  /**
   * What the aligner itself says, as the published package gives it; absent where that is startMs and endMs. It differs
   * where a word lay in silence and was moved to the nearest speech, or went beyond the end of the recording.
   */
  readonly aligned?: { readonly startMs: number; readonly endMs: number };
}

/** What a loaded aligner is. */
export interface AlignerInfo {
  /** The directory. */
  readonly source: string;
  /** `Qwen3-ForcedAligner-0.6B`, or null when the shapes are others. */
  readonly published: string | null;
  readonly parameters: number;
  readonly weightBytes: number;
  /** Names of those that it knows. */
  readonly languages: readonly string[];
  readonly backend: Backend['name'];
  readonly isa: string;
  readonly precision: Precision;
  readonly threads: number;
  readonly loadMs: number;
  /** Milliseconds that a class of its head stands for: times are multiples of it. */
  readonly classMs: number;
  readonly classes: number;
  /** What it hears at once; longer clips are aligned piece by piece. */
  readonly maxMs: number;
}

export interface AlignOptions {
  /** Name, code or locale; without one the script tells Japanese and Korean, which are cut into words in their own ways. */
  readonly language?: string;
  readonly signal?: AbortSignal;
}

/** When the words of a text are spoken. */
export interface AlignedText {
  /** In the order of the text; none for a text without letters and numbers. */
  readonly words: readonly TimedWord[];
  /** What somebody should know, a line each: that the text hardly fits the recording. */
  readonly notes: readonly string[];
}

/** A loaded forced aligner; made by loadAligner(). Calls on it are carried out one at a time, in their order. */
export interface Aligner {
  readonly info: AlignerInfo;
  /**
   * Says when each word of a text is spoken. The text has to be what the clip says, punctuation aside.
   *
   * @param samples [n ≥ 1] f32 in [-1, 1], mono, 16 kHz; copied at the call
   * @throws QwenAsrError `audio` for samples that are empty or not finite; `usage` for a language that the aligner does not
   * know; `tokenizer` for a text that the vocabulary cannot encode; `numeric`; `memory`; `aborted`; `closed`
   * @example
   * const { words } = await aligner.align(clip.samples, 'Turn on the kitchen light.', { language: 'English' });
   * words[0]; // { text: 'Turn', startMs: 80, endMs: 320, textStart: 0, textEnd: 4 }
   */
  align(samples: Float32Array, text: string, options?: AlignOptions): Promise<AlignedText>;
  /** Frees memory and threads. Calls in flight end with an error of code `closed`; calling it again is harmless. */
  close(): Promise<void>;
}

import type { Transcript } from '../../src/browser.js';

/** The parts of a run, in their order. */
export const PHASES = [
  { name: 'mel', title: 'log-mel' },
  { name: 'convStem', title: 'conv stem' },
  { name: 'encoderLayers', title: 'encoder layers' },
  { name: 'prefill', title: 'prefill' },
  { name: 'decode', title: 'decode' },
  { name: 'other', title: 'other' },
] as const;

export type PhaseName = (typeof PHASES)[number]['name'];

/** One measured transcription; times in milliseconds. */
export interface BenchRun {
  readonly totalMs: number;
  /** Log-mel, conv stem and encoder layers. */
  readonly encodeMs: number;
  /** Prefill and all decode steps. */
  readonly decodeMs: number;
  readonly firstTokenMs: number | null;
  /** They sum to totalMs. */
  readonly phases: Readonly<Record<PhaseName, number>>;
  readonly decodeStepsMs: readonly number[];
  readonly tokens: number;
  readonly tokenIds: readonly number[];
  readonly language: string;
  readonly text: string;
}

/** A transcript as a measured run. */
export function benchRun({ timings, ...transcript }: Transcript): BenchRun {
  const { melMs, convStemMs, encoderLayersMs, prefillMs, decodeMs, detokenizeMs, otherMs } = timings;
  return {
    totalMs: timings.totalMs,
    encodeMs: melMs + convStemMs + encoderLayersMs,
    decodeMs: prefillMs + decodeMs,
    firstTokenMs: timings.firstTokenMs,
    phases: {
      mel: melMs,
      convStem: convStemMs,
      encoderLayers: encoderLayersMs,
      prefill: prefillMs,
      decode: decodeMs,
      other: detokenizeMs + otherMs,
    },
    decodeStepsMs: timings.decodeStepsMs,
    tokens: transcript.textTokenCount,
    tokenIds: transcript.tokenIds,
    language: transcript.language,
    text: transcript.text,
  };
}

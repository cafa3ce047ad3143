import type { EncodeTimings, ModelInfo, TranscriptTimings } from '../transcribe/types.js';

/** One measured run of the full pipeline. */
export interface PipelineRun {
  /** Wall time of the whole transcribe() call. */
  readonly totalMs: number;
  /** Mel spectrogram, conv stem and encoder layers. */
  readonly encodeMs: number;
  /** Prefill and all decode steps. */
  readonly decodeMs: number;
  /** Text tokens, or all tokens of a run with an exact number. */
  readonly tokens: number;
  readonly language: string;
  readonly text: string;
  readonly tokenIds: readonly number[];
  readonly timings: TranscriptTimings;
}

/** One measured run of the encoder alone. */
export interface EncoderRun {
  /** Wall time of the whole encode() call. */
  readonly encodeMs: number;
  /** Audio embeddings made: the decoder's sequence length for them. */
  readonly tokens: number;
  readonly timings: EncodeTimings;
}

/** What was benchmarked, known before the first run. */
export interface BenchmarkSubject {
  /** Measured runs that were asked for. */
  readonly runs: number;
  /** The audio file, or null for silence. */
  readonly audioPath: string | null;
  readonly durationMs: number;
  readonly model: ModelInfo;
  /** Things to know when reading the numbers, one sentence each. */
  readonly notes: readonly string[];
}

interface Outcome {
  /** True when a signal ended the benchmark; `samples` then holds the runs that were finished. */
  readonly interrupted: boolean;
}

export interface PipelineResult extends BenchmarkSubject, Outcome {
  readonly mode: 'pipeline';
  /** Tokens that every run was made to decode, or null when the model decided. */
  readonly exactTokens: number | null;
  readonly samples: readonly PipelineRun[];
}

export interface EncoderResult extends BenchmarkSubject, Outcome {
  readonly mode: 'encoder';
  /** Mel frames that go into the encoder. */
  readonly frames: number;
  readonly samples: readonly EncoderRun[];
}

export type BenchmarkResult = PipelineResult | EncoderResult;

import type { AudioFormat } from './audioDecoder.js';

/** Rate that the models' log-mel features are defined at (preprocessor_config.json of the published models). */
export const SAMPLE_RATE_HZ = 16000;

/** Mono samples at the models' rate. */
export interface AudioClip {
  /** [samples] f32 in [-1, 1]. */
  readonly samples: Float32Array;
  readonly sampleRateHz: typeof SAMPLE_RATE_HZ;
  /** Length of the recording, without the zeros that pad clips under 0.5 s. */
  readonly durationMs: number;
  /** Milliseconds spent reading and decoding the file, and resampling it; 0 where nothing was done. */
  readonly decodeMs: number;
  readonly resampleMs: number;
}

/** A clip that was decoded from a file of any format. */
export interface LoadedAudio extends AudioClip {
  readonly format: AudioFormat;
  /** What was wrong with the recording and could be coped with (cut short, damaged in places), a line each. */
  readonly notes: readonly string[];
}

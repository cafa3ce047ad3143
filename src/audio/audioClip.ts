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

/** The formats that are decoded here, and `ffmpeg` for whatever else that program reads. */
export type AudioFormat = 'wav' | 'mp3' | 'flac' | 'vorbis' | 'opus' | 'ffmpeg';

/** Samples that follow one another at one rate. */
export interface AudioBlock {
  /** [≤ 65,536] f32, mean of the channels, full scale = 1. */
  readonly samples: Float32Array;
  /** 1,000 to 768,000. It may change within a recording: files that were joined. */
  readonly sampleRateHz: number;
}

/** A recording whose headers have been read and whose samples have not. */
export interface AudioDecoder {
  /** Rate that the recording begins with. */
  readonly sampleRateHz: number;
  /**
   * Exact number of samples, all of that rate and in [-1, 1], where the headers tell it and `notes` is complete before
   * they are decoded; else null.
   */
  readonly sampleCount: number | null;
  /**
   * What was wrong with the recording and could be coped with (cut short, damaged in places), each a line that begins
   * with its label. Complete when `decode` has ended.
   */
  readonly notes: readonly string[];
  /**
   * The samples, in blocks of any size. Can be called once. Memory does not depend on the length of the recording.
   *
   * @throws QwenAsrError `audio`, one line, when the recording cannot be decoded.
   */
  decode(): AsyncGenerator<AudioBlock, void, undefined>;
}

import type { ByteReader } from './byteReader.js';

/** The formats that are decoded here, and `ffmpeg` for whatever else that program reads. */
export type AudioFormat = 'wav' | 'mp3' | 'flac' | 'vorbis' | 'opus' | 'ffmpeg';

/** A recording whose headers have been read and whose samples have not. */
export interface AudioDecoder {
  /** Rate of the blocks; 1,000 to 768,000. */
  readonly sampleRateHz: number;
  /**
   * Whether a sample may lie outside [-1, 1]: then the peak has to be looked for even where nothing is resampled.
   */
  readonly mayExceedOne: boolean;
  /** Exact number of samples to come where the headers tell it, else null. */
  readonly sampleCount: number | null;
  /**
   * What was wrong with the recording and could be coped with (cut short, damaged in places), each a line that begins
   * with its label. Complete when `decode` has ended.
   */
  readonly notes: readonly string[];
  /**
   * The samples, mean of the channels, full scale = 1, in blocks of any size up to 65,536 [samples] f32. Can be called
   * once. Memory does not depend on the length of the recording.
   *
   * @throws QwenAsrError `audio`, one line, when the recording cannot be decoded.
   */
  decode(): AsyncGenerator<Float32Array, void, undefined>;
}

/**
 * Reads a recording's headers.
 *
 * @param reader stands at the recording's first byte (behind ID3 tags).
 * @param label names it in errors and notes.
 * @throws QwenAsrError `audio`, one line, when there is nothing to decode; `unsupported` when the package that decodes
 * this format is not installed.
 */
export type OpenDecoder = (reader: ByteReader, label: string) => Promise<AudioDecoder>;

import type { AudioClip } from './audioClip.js';
import type { AudioFormat } from './audioDecoder.js';

/** A clip that was decoded from a file of any format. */
export interface LoadedAudio extends AudioClip {
  readonly format: AudioFormat;
  /** What was wrong with the recording and could be coped with (cut short, damaged in places), a line each. */
  readonly notes: readonly string[];
}

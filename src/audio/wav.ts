import { QwenAsrError } from '../error.js';
import { decodePcm } from './decodePcm.js';
import { MixMeter } from './mixMeter.js';
import { parseWavHeader, type WavHeader } from './wavHeader.js';
import { wavNotes } from './wavNotes.js';

/** Longest clip decoded at once, 2.8 GB at 16 kHz: a broken header must not make a file look like weeks of audio. */
const MAX_HOURS = 12;

/** A decoded WAV file: its header and its samples as mono at the file's own rate. */
export interface WavAudio extends WavHeader {
  /** [frames] f32, mean of the channels, full scale = 1 (float files may exceed it). */
  readonly samples: Float32Array;
  /** What was wrong with the recording and could be coped with, a line each. */
  readonly notes: readonly string[];
}

/**
 * Reads a WAV file: PCM of 8, 16, 24 or 32 bits, float of 32 or 64, plain or WAVE_FORMAT_EXTENSIBLE, in RIFF, RF64,
 * BW64 or RIFX, any number of channels, up to 12 hours. Of a file that is shorter than it says, what is there is read,
 * with a note. Pure: no file access, so it works in a browser.
 *
 * @param bytes the whole file.
 * @param label names it in errors.
 * @throws QwenAsrError `audio`, one line, whatever the bytes are; see parseWavHeader and decodePcm.
 * @example
 * const { samples, sampleRateHz } = readWav(new Uint8Array(await response.arrayBuffer()), 'clip.wav');
 */
export function readWav(bytes: Uint8Array, label: string): WavAudio {
  const header = parseWavHeader(bytes, label);
  const hours = header.dataBytes / header.frameBytes / header.sampleRateHz / 3600;
  if (hours > MAX_HOURS) {
    throw new QwenAsrError(
      'audio',
      `${label}: expected at most ${MAX_HOURS} hours, found ${hours.toFixed(1)}`,
    );
  }
  const data = bytes.subarray(header.dataOffset, header.dataOffset + header.dataBytes);
  const meter = new MixMeter(label);
  const samples = decodePcm(data, header, meter);
  return { ...header, samples, notes: [...wavNotes(header, label), ...meter.notes()] };
}

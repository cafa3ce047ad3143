import { type BytesInMemory, viewBytes } from '../model/byteInput.js';
import { checkOptions } from '../model/checkArguments.js';
import { SAMPLE_RATE_HZ } from './audioClip.js';
import type { LoadedAudio } from './loadedAudio.js';
import { prepareSamples } from './prepareSamples.js';
import { readWav } from './wav.js';

/**
 * Decodes a WAV file that is already in memory and prepares it for the models: mono, 16 kHz, within [-1, 1], at least
 * 0.5 s. Of a file that is shorter than it says, what is there is decoded, and `notes` says so. Needs no file system, so
 * it works in a browser.
 *
 * @param bytes the whole file: an ArrayBuffer or a view of one. A Blob is read by decodeAudio.
 * @param label names it in errors, for example its path.
 * @throws QwenAsrError `usage` for what are no bytes; `audio`, one line, for anything that is not a WAV file with samples; see readWav.
 * @example
 * const clip = decodeWav(await file.arrayBuffer(), file.name);
 * console.log(clip.samples.length, clip.durationMs);
 */
export function decodeWav(bytes: BytesInMemory, label = 'audio'): LoadedAudio {
  checkOptions({ label });
  const startMs = performance.now();
  const { samples: mono, sampleRateHz, notes } = readWav(viewBytes(bytes, label), label);
  const decodedMs = performance.now();
  const samples = prepareSamples(mono, sampleRateHz);
  return {
    samples,
    sampleRateHz: SAMPLE_RATE_HZ,
    durationMs: (mono.length * 1000) / sampleRateHz,
    decodeMs: decodedMs - startMs,
    resampleMs: performance.now() - decodedMs,
    format: 'wav',
    notes,
  };
}

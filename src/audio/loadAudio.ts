import { collectAudio } from './collectAudio.js';
import type { LoadedAudio } from './loadedAudio.js';
import { withDecoder } from './openAudio.js';
import { type AudioInput, openInput } from './openInput.js';

/**
 * Reads a recording of any format that openAudio reads, as a whole, and prepares it for the models: mono, 16 kHz, within
 * [-1, 1], at least 0.5 s.
 *
 * @param input a file, a named pipe, `-` for standard input, or bytes, as for openAudio.
 * @param options.label names bytes in messages; default: the File's name
 * @returns the clip; decodeMs includes the time of reading.
 * @throws QwenAsrError as openAudio, and `audio` for more than 12 hours.
 * @example
 * const clip = await loadAudio('models/demo/samples/light-en.wav');
 * console.log(clip.format, clip.samples.length, clip.durationMs); // wav 33168 2073
 */
export async function loadAudio(
  input: AudioInput,
  options: { signal?: AbortSignal; label?: string } = {},
): Promise<LoadedAudio> {
  const startMs = performance.now();
  const file = await openInput(input, options);
  const { signal } = options;
  try {
    return await withDecoder(file, signal, async ({ label, format, open }) => {
      const opened = await open();
      return await collectAudio(opened, format, label, performance.now() - startMs, signal);
    });
  } finally {
    await file.close();
  }
}

import { collectAudio } from './collectAudio.js';
import { openFileSource } from './fileSource.js';
import type { LoadedAudio } from './loadedAudio.js';
import { recognise } from './openAudio.js';

/**
 * Reads a recording of any format that openAudio reads, as a whole, and prepares it for the models: mono, 16 kHz, within
 * [-1, 1], at least 0.5 s.
 *
 * @param path a file, a named pipe, or `-` for standard input.
 * @returns the clip; decodeMs includes the time of reading.
 * @throws QwenAsrError as openAudio, and `audio` for more than 12 hours.
 * @example
 * const clip = await loadAudio('models/demo/samples/light-en.wav');
 * console.log(clip.format, clip.samples.length, clip.durationMs); // wav 33168 2073
 */
export async function loadAudio(
  path: string,
  { signal }: { signal?: AbortSignal } = {},
): Promise<LoadedAudio> {
  const startMs = performance.now();
  const file = await openFileSource(path, signal);
  try {
    const { label, format, open } = await recognise(file, signal);
    const opened = await open();
    return await collectAudio(opened, format, label, performance.now() - startMs);
  } finally {
    await file.close();
  }
}

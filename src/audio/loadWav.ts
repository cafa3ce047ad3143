import { readFile, stat } from 'node:fs/promises';
import { QwenAsrError } from '../error.js';
import { fileError } from '../model/fileError.js';
import { checkPath } from './checkPath.js';
import { decodeWav } from './decodeWav.js';
import { openPipe } from './fileSource.js';
import type { LoadedAudio } from './loadedAudio.js';

/**
 * Reads a WAV file from disk, or from a named pipe, and prepares it for the models; see decodeWav. Like every
 * loader here it decodes what is there of a file that was cut short, and says so in `notes`.
 *
 * @returns the clip; decodeMs includes the time of reading.
 * @throws QwenAsrError `file` when the path cannot be read, `audio` when it is not a WAV file with samples.
 * @example
 * const clip = await loadWav('models/demo/samples/light-en.wav');
 * console.log(clip.samples.length, clip.durationMs); // 33168 2073
 */
export async function loadWav(path: string): Promise<LoadedAudio> {
  checkPath(path);
  const startMs = performance.now();
  const bytes = await readBytes(path);
  const readMs = performance.now() - startMs;
  const clip = decodeWav(bytes, path);
  return { ...clip, decodeMs: clip.decodeMs + readMs };
}

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    const entry = await stat(path);
    if (entry.isFile()) return await readFile(path);
    if (entry.isFIFO()) return Buffer.concat(await openPipe(path).toArray());
    const found = entry.isDirectory() ? 'a directory' : 'a device or socket';
    throw new QwenAsrError('file', `${path}: expected a WAV file, found ${found}`);
  } catch (cause) {
    throw fileError(path, cause);
  }
}

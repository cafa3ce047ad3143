import { readFile, stat } from 'node:fs/promises';
import { fileError, QwenAsrError } from '../error.js';
import { checkOptions, isByteInput, nameOfBytes, takeBytes } from '../model/checkArguments.js';
import type { LoadedAudio } from './audioClip.js';
import { type AudioInput, openPipe, type UndecodedPath } from './fileSource.js';
import { checkPath } from './pathLabel.js';
import { decodeWav } from './wavDecoder.js';

/**
 * Reads a WAV file from disk, from a named pipe or from bytes, and prepares it for the models; see decodeWav. Like every
 * loader here it decodes what is there of a file that was cut short, and says so in `notes`.
 *
 * @param input a path, or bytes: an ArrayBuffer, a view of one, a Blob or File, or the Response of a fetch.
 * @param options.label names bytes in messages; default: the File's name
 * @returns the clip; decodeMs includes the time of reading.
 * @throws QwenAsrError `file` when the path cannot be read, `audio` when it is not a WAV file with samples.
 * @example
 * const clip = await loadWav('models/demo/samples/light-en.wav');
 * console.log(clip.samples.length, clip.durationMs); // 33168 2073
 */
export async function loadWav(
  input: Exclude<AudioInput, UndecodedPath>,
  options: { label?: string } = {},
): Promise<LoadedAudio> {
  checkOptions(options);
  const startMs = performance.now();
  const label = typeof input === 'string' ? input : (options.label ?? nameOfBytes(input, 'audio'));
  const bytes = isByteInput(input) ? await takeBytes(input, label) : await readFromPath(input);
  const readMs = performance.now() - startMs;
  const clip = decodeWav(bytes, label);
  return { ...clip, decodeMs: clip.decodeMs + readMs };
}

async function readFromPath(path: string): Promise<Uint8Array> {
  checkPath(path);
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

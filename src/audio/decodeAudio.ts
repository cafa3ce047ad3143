import { QwenAsrError } from '../error.js';
import { type ByteInput, nameOfBytes, takeBytes } from '../model/byteInput.js';
import { checkOptions } from '../model/checkArguments.js';
import { bytesInMemory } from './byteReader.js';
import { collectAudio } from './collectAudio.js';
import type { LoadedAudio } from './loadedAudio.js';
import { DECODED_FORMATS, openDecoder } from './openDecoder.js';

/**
 * Decodes a WAV, MP3, FLAC, Ogg Vorbis or Ogg Opus file that is already in memory and prepares it for the models: mono,
 * 16 kHz, within [-1, 1], at least 0.5 s. The format is told by the content. Needs no file system, so it works in a
 * browser for WAV and FLAC; the packages for the other formats have to be made resolvable there.
 *
 * @param bytes the whole file: an ArrayBuffer, a view of one, a Blob or File, or the Response of a fetch. Taken at the
 * call: they may change afterwards.
 * @param label names it in errors, for example its path; default: the File's name.
 * @throws QwenAsrError `usage` for what are no bytes; `file` when a Blob cannot be read; `audio`, one line, for anything
 * else or a file that cannot be decoded; `unsupported` when the
 * package that decodes its format is not installed.
 * @example
 * const clip = await decodeAudio(file);
 * console.log(clip.format, clip.durationMs);
 */
export async function decodeAudio(
  bytes: ByteInput,
  label: string = nameOfBytes(bytes, 'audio'),
): Promise<LoadedAudio> {
  checkOptions({ label });
  const startMs = performance.now();
  const opened = await openDecoder(bytesInMemory(await takeBytes(bytes, label), label));
  if (opened.format === null) {
    throw new QwenAsrError('audio', `${label}: expected ${DECODED_FORMATS}, found ${opened.found}`);
  }
  return await collectAudio(opened, opened.format, label, performance.now() - startMs);
}

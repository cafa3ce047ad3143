import { QwenAsrError } from '../error.js';
import { type AudioStream, makeAudioStream, type StreamSource } from './audioStream.js';
import { ffmpegDecoder } from './ffmpegDecoder.js';
import type { FileSource } from './fileSource.js';
import { openDecoder } from './openDecoder.js';
import { type AudioInput, openInput } from './openInput.js';

/**
 * Opens a recording of any length and format to be read piece by piece: WAV, MP3, FLAC, Ogg Vorbis and Ogg Opus are
 * decoded here, anything else by the program ffmpeg, when there is one on the PATH. The format is told by the content,
 * never by the name.
 *
 * Except for integers at 16 kHz the recording is decoded once here, for its peak and its length; so its errors come here
 * too, and not in the middle.
 *
 * @param input a file, a named pipe, `-` for standard input, or bytes: an ArrayBuffer, a view of one, a Blob or File, or
 * the Response of a fetch. Pipes are taken in to their end first, bytes at the call.
 * @param options.label names bytes in messages; default: the File's name
 * @throws QwenAsrError `file` when it cannot be read; `audio`, one line, when it cannot be decoded; `unsupported` naming
 * the package that its format needs and that is not installed; `aborted`.
 * @example
 * const stream = await openAudio('lecture.mp3'); // or await fetch(address), an ArrayBuffer, …
 * for await (const block of stream) consume(block); // 1 s each
 * await stream.close();
 */
export async function openAudio(
  input: AudioInput,
  options: { signal?: AbortSignal; label?: string } = {},
): Promise<AudioStream> {
  const file = await openInput(input, options);
  const { signal } = options;
  try {
    return await makeAudioStream(await recognise(file, signal));
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** How the file is decoded, here or by ffmpeg. */
export async function recognise(file: FileSource, signal?: AbortSignal): Promise<StreamSource> {
  const { label } = file;
  const close = () => file.close();
  const opened = await openDecoder(file);
  if (opened.format === null) {
    const path = await file.path();
    const open = async () => ({
      decoder: ffmpegDecoder(path, label, opened.found, signal),
      close: async () => {},
    });
    return { label, format: 'ffmpeg', open, close };
  }
  await opened.close();
  const { format } = opened;
  const open = async () => {
    const again = await openDecoder(file);
    if (again.format === format) return again;
    throw new QwenAsrError('file', `${label}: changed while it was read`);
  };
  return { label, format, open, close };
}

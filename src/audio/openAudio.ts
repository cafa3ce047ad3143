import { readFile, stat } from 'node:fs/promises';
import { fileError, QwenAsrError } from '../error.js';
import { checkOptions, isByteInput, nameOfBytes, takeBytes } from '../model/checkArguments.js';
import type { LoadedAudio } from './audioClip.js';
import { type AudioStream, makeAudioStream, type StreamSource } from './audioStream.js';
import { collectAudio } from './decodeAudio.js';
import { type FfmpegFailure, type FfmpegLimits, ffmpegDecoder } from './ffmpegDecoder.js';
import {
  type AudioInput,
  checkPath,
  type FileSource,
  openInput,
  openPipe,
  type UndecodedPath,
} from './fileSource.js';
import { DECODED_FORMATS, openDecoder } from './openDecoder.js';
import { decodeWav } from './wavDecoder.js';

/** How a recording is opened. */
export interface OpenAudioOptions {
  readonly signal?: AbortSignal;
  /** Names the recording in messages; default: its path, or the File's name. */
  readonly label?: string;
  /** A longer one is refused, while it is being decoded. Default: none is too long. */
  readonly maxDurationMs?: number;
  /** What the program ffmpeg may use; false: it is never started. Default: whatever it needs. */
  readonly ffmpeg?: false | FfmpegLimits;
}

/** WAV with big-endian samples, which ffmpeg takes for little-endian ones. */
const RIFX = 'RIFX';

/**
 * Opens a recording of any length and format to be read piece by piece: WAV, MP3, FLAC, Ogg Vorbis and Ogg Opus are
 * decoded here, anything else by the program ffmpeg, when there is one on the PATH. The format is told by the content,
 * never by the name.
 *
 * Except for integers of one channel at 16 kHz the recording is decoded once here, for its peak, its length and its
 * notes; so its errors come here too, and not in the middle.
 *
 * @param input a file, a named pipe, `-` for standard input, or bytes: an ArrayBuffer, a view of one, a Blob or File, or
 * the Response of a fetch. A name that is not UTF-8 is given as `{ path }`, in bytes. Pipes are taken in to their end
 * first, bytes at the call.
 * @throws QwenAsrError `file` when it cannot be read; `audio`, one line, when it cannot be decoded or is longer than
 * allowed; `unsupported` naming the package that its format needs, where neither that nor ffmpeg is installed; `aborted`.
 * @example
 * const stream = await openAudio('lecture.mp3'); // or await fetch(address), an ArrayBuffer, …
 * for await (const block of stream) consume(block); // 1 s each
 * await stream.close();
 */
export async function openAudio(input: AudioInput, options: OpenAudioOptions = {}): Promise<AudioStream> {
  const file = await openInput(input, options);
  const { signal, maxDurationMs } = options;
  try {
    return await withDecoder(file, options, (source) => makeAudioStream(source, signal, maxDurationMs));
  } catch (error) {
    await file.close();
    throw error;
  }
}

/**
 * Uses a file's decoder: ours, or ffmpeg for what is not decoded here, cannot be opened here, or needs a package that is
 * not installed.
 *
 * @throws what `use` throws; where ffmpeg cannot read it either, the error that ours gave.
 */
async function withDecoder<T>(
  file: FileSource,
  options: OpenAudioOptions,
  use: (source: StreamSource) => Promise<T>,
): Promise<T> {
  const { label } = file;
  let own: StreamSource;
  try {
    const opened = await openDecoder(file);
    if (opened.format === null) {
      return await use(
        await ffmpegSource(file, (failure) => neitherReads(label, opened.found, failure), options),
      );
    }
    await opened.close();
    own = ownSource(file, opened.format);
  } catch (error) {
    if (!(error instanceof QwenAsrError) || !(await mayFfmpegRead(file, error))) throw error;
    return await use(await ffmpegSource(file, (failure) => withHint(error, failure), options));
  }
  return await use(own);
}

function ownSource(file: FileSource, format: Exclude<StreamSource['format'], 'ffmpeg'>): StreamSource {
  const { label } = file;
  const open = async () => {
    const opened = await openDecoder(file);
    if (opened.format === format) return opened;
    throw new QwenAsrError('file', `${label}: changed while it was read`);
  };
  return { label, format, open, close: () => file.close() };
}

async function ffmpegSource(
  file: FileSource,
  errorFor: (failure: FfmpegFailure) => QwenAsrError,
  { signal, ffmpeg }: OpenAudioOptions,
): Promise<StreamSource> {
  const { label } = file;
  if (ffmpeg === false) throw errorFor({ reason: 'it may not be used here', cause: new Error('not used') });
  const path = await file.path();
  const open = async () => ({
    decoder: ffmpegDecoder(path, label, errorFor, { signal, limits: ffmpeg }),
    close: async () => {},
  });
  return { label, format: 'ffmpeg', open, close: () => file.close() };
}

/** Not where the file itself cannot be read, is empty, or would be heard as noise: at 3 Hz a second becomes hours. */
async function mayFfmpegRead(file: FileSource, { code, cause }: QwenAsrError): Promise<boolean> {
  if ((code !== 'audio' && code !== 'unsupported') || file.totalBytes === 0) return false;
  if (cause instanceof RangeError) return false;
  return String.fromCharCode(...(await file.read(0, RIFX.length))) !== RIFX;
}

function neitherReads(label: string, found: string, { reason, cause }: FfmpegFailure): QwenAsrError {
  if (cause === undefined) {
    return new QwenAsrError('audio', `${label}: expected audio, found ${found}; ffmpeg: ${reason}`);
  }
  const expected = `expected ${DECODED_FORMATS}, found ${found}`;
  const hint = `other formats need the program ffmpeg on the PATH, and ${reason}`;
  return new QwenAsrError('audio', `${label}: ${expected}; ${hint}`, { cause });
}

/** Our own error; where a package is missing, ffmpeg would do too. */
function withHint(error: QwenAsrError, { reason, cause }: FfmpegFailure): QwenAsrError {
  if (error.code !== 'unsupported' || cause === undefined) return error;
  const hint = `the program ffmpeg on the PATH would do too, and ${reason}`;
  return new QwenAsrError(error.code, `${error.message}; ${hint}`, { cause: error });
}

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
  options: Pick<OpenAudioOptions, 'signal' | 'label'> = {},
): Promise<LoadedAudio> {
  const startMs = performance.now();
  const file = await openInput(input, options);
  const { signal } = options;
  try {
    return await withDecoder(file, options, async ({ label, format, open }) => {
      const opened = await open();
      return await collectAudio(opened, format, label, performance.now() - startMs, signal);
    });
  } finally {
    await file.close();
  }
}

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

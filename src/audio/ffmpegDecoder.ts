import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { QwenAsrError } from '../error.js';
import { SAMPLE_RATE_HZ } from './audioClip.js';
import type { AudioDecoder } from './audioDecoder.js';
import { DECODED_FORMATS } from './openDecoder.js';

/** What is kept of ffmpeg's complaints. */
const MAX_COMPLAINT_BYTES = 8192;
const MAX_COMPLAINT_CHARACTERS = 200;
/** Beyond it a value is no sound; of NaN the comparison is false too. */
const MAX_MAGNITUDE = 1e30;

/**
 * Decodes the first audio stream of a file with the program ffmpeg, which also makes it mono and 16 kHz.
 *
 * @param found what the file seems to be, for errors.
 * @throws QwenAsrError, from `decode`: `audio` when there is no ffmpeg on the PATH or it cannot read the file; `aborted`,
 * with ffmpeg ended.
 */
export function ffmpegDecoder(
  path: string,
  label: string,
  found: string,
  signal?: AbortSignal,
): AudioDecoder {
  const notes: string[] = [];
  return { sampleRateHz: SAMPLE_RATE_HZ, mayExceedOne: true, sampleCount: null, notes, decode };

  async function* decode(): AsyncGenerator<Float32Array, void, undefined> {
    const child = spawn('ffmpeg', argumentsFor(path), { stdio: ['ignore', 'pipe', 'pipe'] });
    const ended = whenEnded(child);
    const complaint = collectComplaint(child.stderr);
    const stop = () => child.kill('SIGKILL');
    signal?.addEventListener('abort', stop);
    if (signal?.aborted) stop();
    let samples = 0;
    try {
      for await (const block of floatsOf(child.stdout)) {
        samples += checked(block, label).length;
        yield block;
      }
      const outcome = await ended;
      if (signal?.aborted) throw new QwenAsrError('aborted', `${label}: reading was aborted`);
      if (outcome instanceof Error) throw missing(label, found, outcome);
      const said = oneLine(complaint.join(''), path);
      if (outcome !== 0 || samples === 0) {
        const reason = said === '' ? 'no samples' : said;
        throw new QwenAsrError('audio', `${label}: expected audio, found ${found}; ffmpeg: ${reason}`);
      }
      if (said !== '') notes.push(`${label}: ffmpeg: ${said}`);
    } finally {
      signal?.removeEventListener('abort', stop);
      stop();
      await ended;
    }
  }
}

/** Local files only, whatever addresses the file names; no questions; the path cannot be taken for an option. */
function argumentsFor(path: string): string[] {
  const input = [
    '-nostdin',
    '-hide_banner',
    '-v',
    'error',
    '-protocol_whitelist',
    'file,pipe',
    '-i',
    `file:${path}`,
  ];
  return [...input, '-map', '0:a:0', '-f', 'f32le', '-ac', '1', '-ar', String(SAMPLE_RATE_HZ), '-'];
}

/** The exit code, null when a signal ended it, or the reason why it could not be started. */
async function whenEnded(
  child: ChildProcessByStdio<null, Readable, Readable>,
): Promise<number | null | Error> {
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    return code;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function missing(label: string, found: string, cause: Error): QwenAsrError {
  const reason = 'code' in cause && cause.code === 'ENOENT' ? 'there is none' : `it failed: ${cause.message}`;
  const expected = `expected ${DECODED_FORMATS}, found ${found}`;
  return new QwenAsrError(
    'audio',
    `${label}: ${expected}; other formats need the program ffmpeg on the PATH, and ${reason}`,
    { cause },
  );
}

function collectComplaint(stderr: Readable): string[] {
  const pieces: string[] = [];
  let characters = 0;
  stderr.setEncoding('utf8').on('data', (text: string) => {
    if (characters < MAX_COMPLAINT_BYTES) pieces.push(text);
    characters += text.length;
  });
  return pieces;
}

/** ffmpeg's lines without the addresses and the path in front of them, each once. */
function oneLine(complaint: string, path: string): string {
  const lines = complaint
    .split('\n')
    .map((line) =>
      line
        .replace(/^\[[^\]]* @ 0x[0-9a-f]+\] /, '')
        .replace(`file:${path}: `, '')
        .trim(),
    )
    .filter((line, i, all) => line !== '' && all.indexOf(line) === i);
  // What is asked of ffmpeg is no business of the reader.
  if (lines.some((line) => line.startsWith('Stream map') && line.includes('matches no streams'))) {
    return 'there is no audio in it';
  }
  const joined = lines.join('; ');
  return joined.length <= MAX_COMPLAINT_CHARACTERS ? joined : `${joined.slice(0, MAX_COMPLAINT_CHARACTERS)}…`;
}

/** Little-endian floats, across the borders of the pieces that arrive. */
async function* floatsOf(stdout: AsyncIterable<Uint8Array>): AsyncGenerator<Float32Array, void, undefined> {
  let rest = new Uint8Array(0);
  for await (const piece of stdout) {
    const all = new Uint8Array(rest.length + piece.length);
    all.set(rest);
    all.set(piece, rest.length);
    const whole = all.length - (all.length % 4);
    if (whole > 0) yield new Float32Array(all.buffer, 0, whole / 4);
    rest = all.slice(whole);
  }
}

function checked(samples: Float32Array, label: string): Float32Array {
  const broken = samples.find((value) => !(Math.abs(value) <= MAX_MAGNITUDE));
  if (broken === undefined) return samples;
  throw new QwenAsrError('audio', `${label}: expected finite samples, found ${broken}`);
}

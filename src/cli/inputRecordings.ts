import { readdir, stat } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { QwenAsrError } from '../error.js';
import { fileError } from '../model/fileError.js';

/** A recording to transcribe. */
export interface InputRecording {
  /** As the user wrote it, or below a directory that the user wrote; `-` is standard input. */
  readonly input: string;
  /** What its output file is called below the output directory, with the recording's own extension. */
  readonly name: string;
}

/** What the inputs on a command line stand for. */
export interface Inputs {
  readonly recordings: readonly InputRecording[];
  /** Inputs that stand for no recording. */
  readonly failures: readonly { readonly input: string; readonly error: QwenAsrError }[];
  /** Whether more than one recording was asked for, even if only one was found. */
  readonly several: boolean;
}

/** Names that recordings have in a directory; a file that is named itself may be called anything. */
const EXTENSIONS = new Set(
  [
    ...[
      'wav',
      'wave',
      'w64',
      'aif',
      'aiff',
      'aifc',
      'caf',
      'au',
      'snd',
      'flac',
      'mp3',
      'mp2',
      'ogg',
      'oga',
      'opus',
    ],
    ...['spx', 'm4a', 'm4b', 'aac', 'wma', 'amr', 'ac3', 'webm', 'mka', 'mkv', 'mp4', 'mov', 'avi', '3gp'],
  ].map((name) => `.${name}`),
);

/**
 * Finds the recordings that paths stand for: a file is one, a directory stands for all below it, in the order of their
 * names, hidden ones excepted. Links to files count, links to directories are not followed.
 */
export async function findInputs(paths: readonly string[]): Promise<Inputs> {
  const recordings: InputRecording[] = [];
  const failures: { input: string; error: QwenAsrError }[] = [];
  let several = paths.length > 1;
  for (const [at, path] of paths.entries()) {
    try {
      if (path === '-' && paths.indexOf('-') < at) {
        throw new QwenAsrError(
          'usage',
          'standard input: expected once, found again; it can be read once only',
        );
      }
      const isDirectory = path !== '-' && (await stat(path)).isDirectory();
      several ||= isDirectory;
      if (isDirectory) {
        const below = await recordingsBelow(path);
        recordings.push(...below.recordings);
        failures.push(...below.failures);
      } else recordings.push(single(path));
    } catch (cause) {
      failures.push({ input: path, error: inputError(path, cause) });
    }
  }
  return { recordings, failures, several };
}

function single(path: string): InputRecording {
  return { input: path, name: path === '-' ? 'standard-input' : basename(path) };
}

/** What is below a directory, in the order of names, and what of it cannot be read. */
async function recordingsBelow(directory: string): Promise<Pick<Inputs, 'recordings' | 'failures'>> {
  const { names, failures } = await namesBelow(directory, '');
  if (names.length + failures.length === 0) {
    throw new QwenAsrError('file', `${directory}: no recordings in this directory`);
  }
  return { recordings: names.sort().map((name) => ({ input: join(directory, name), name })), failures };
}

/** One folder after the other: some versions of Node follow links when they are asked for all at once, in circles too. */
async function namesBelow(
  directory: string,
  below: string,
): Promise<{ names: string[]; failures: Inputs['failures'][number][] }> {
  const names: string[] = [];
  const failures: Inputs['failures'][number][] = [];
  for (const entry of await readdir(join(directory, below), { withFileTypes: true })) {
    const name = join(below, entry.name);
    if (entry.name.startsWith('.')) continue;
    if (entry.isDirectory()) {
      try {
        const inside = await namesBelow(directory, name);
        names.push(...inside.names);
        failures.push(...inside.failures);
      } catch (cause) {
        const input = join(directory, name);
        failures.push({ input, error: inputError(input, cause) });
      }
    } else if ((entry.isFile() || entry.isSymbolicLink()) && EXTENSIONS.has(extname(name).toLowerCase())) {
      names.push(name);
    }
  }
  return { names, failures };
}

function inputError(path: string, cause: unknown): QwenAsrError {
  if (path === '') return new QwenAsrError('usage', 'input: expected a file or a directory, found ""');
  return fileError(path, cause);
}

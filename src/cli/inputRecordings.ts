import { readdir, stat } from 'node:fs/promises';
import { basename, extname, join, relative } from 'node:path';
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
      recordings.push(...(isDirectory ? await recordingsBelow(path) : [single(path)]));
    } catch (cause) {
      failures.push({ input: path, error: inputError(path, cause) });
    }
  }
  return { recordings, failures, several };
}

function single(path: string): InputRecording {
  return { input: path, name: path === '-' ? 'standard-input' : basename(path) };
}

async function recordingsBelow(directory: string): Promise<InputRecording[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const found = entries
    .filter((entry) => entry.isFile() || entry.isSymbolicLink())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
    .filter((name) => EXTENSIONS.has(extname(name).toLowerCase()) && !isHidden(name))
    .sort();
  if (found.length === 0) throw new QwenAsrError('file', `${directory}: no recordings in this directory`);
  return found.map((name) => ({ input: join(directory, name), name }));
}

function isHidden(name: string): boolean {
  return name.split(/[\\/]/).some((part) => part.startsWith('.'));
}

function inputError(path: string, cause: unknown): QwenAsrError {
  if (path === '') return new QwenAsrError('usage', 'input: expected a file or a directory, found ""');
  return fileError(path, cause);
}

import {
  existsSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { fileError, QwenAsrError } from '../error.js';
import { parseSyntheticName } from '../model/syntheticName.js';
import { checkWindowsNames } from '../model/windowsNames.js';

/** A file of a command line. */
export interface NamedFile {
  /** `-` for standard input. */
  readonly path: string;
  /** What messages call it: `the recording a.wav`. */
  readonly label: string;
}

/**
 * Refuses, before anything slow begins, files that could not be written because of their names, and those that would take
 * the place of what is read or of one another: through links and hard links too, and where the file system takes names of
 * other letter case or composition for the same.
 *
 * @throws QwenAsrError `usage` naming both files, `file` for a name that is too long or a directory's
 */
export function checkOutputs(outputs: readonly NamedFile[], inputs: readonly NamedFile[]): void {
  const taken = new Map<string, Place & NamedFile>();
  for (const input of inputs) {
    const place = placeOf(input);
    if (place !== null) taken.set(placeKey(place), { ...place, ...input });
  }
  for (const output of outputs) {
    checkWindowsNames(output.path, process.platform);
    const place = placeOf(output);
    if (place === null) continue;
    checkNames(output, place);
    const other = taken.get(placeKey(place));
    if (other !== undefined && isSamePlace(place, other)) {
      throw new QwenAsrError('usage', `${output.label}: expected a file of its own, found ${other.label}`);
    }
    taken.set(placeKey(place), { ...place, ...output });
  }
}

/** The recordings that a command reads. */
export function recordingFiles(paths: readonly string[]): NamedFile[] {
  return paths.map((path) => ({ path, label: `the recording ${path}` }));
}

/** The saved results that a command reads. */
export function resultFiles(paths: readonly string[]): NamedFile[] {
  return paths.map((path) => ({ path, label: `the result ${path}` }));
}

/** The files that --export names. */
export function exportedFiles(files: readonly { readonly path: string }[]): NamedFile[] {
  return files.map(({ path }) => ({ path, label: `--export ${path}` }));
}

/** The files of a model directory; of random weights there are none. */
export function modelFiles(source: string): NamedFile[] {
  if (parseSyntheticName(source) !== null) return [];
  try {
    return readdirSync(source).map((name) => {
      const path = join(source, name);
      return { path, label: `the model's ${path}` };
    });
  } catch (cause) {
    throw fileError(source, cause);
  }
}

/** Where a file is, or would be, however its path is written. */
interface Place {
  /** The file itself, or the folder nearest to it that exists: its device and number. */
  readonly id: string;
  readonly folder: string;
  /** What would be made in that folder, one in the other; nothing when the file exists. */
  readonly missing: readonly string[];
}

/** Null for what is no file on disk: a closed standard input. */
function placeOf({ path, label }: NamedFile): Place | null {
  if (path === '-') return standardInput();
  const missing: string[] = [];
  for (let at = resolve(path); ; at = dirname(at)) {
    try {
      const { dev, ino } = statSync(at, { bigint: true });
      return { id: `${dev}:${ino}`, folder: at, missing };
    } catch (cause) {
      const isAbsent = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
      if (!isAbsent || at === dirname(at)) throw fileError(label, cause);
      missing.unshift(basename(at));
    }
  }
}

/** The file that standard input may be redirected from. */
function standardInput(): Place | null {
  try {
    const { dev, ino } = fstatSync(0, { bigint: true });
    return { id: `${dev}:${ino}`, folder: '', missing: [] };
  } catch {
    return null;
  }
}

/** Equal for places that may be the same. */
function placeKey({ id, missing }: Place): string {
  return [id, ...missing.map((name) => name.normalize('NFC').toLowerCase())].join(sep);
}

/** Of two with one key. */
function isSamePlace({ folder, missing }: Place, other: Place): boolean {
  if (missing.every((name, i) => name === other.missing[i])) return true;
  return takesForOne(folder, join(...missing), join(...other.missing));
}

/** Whether a folder's file system takes two names for the same; the only way to know is to try. */
function takesForOne(folder: string, name: string, other: string): boolean {
  const trial = mkdtempSync(join(folder, '.qwen-asr-'));
  try {
    mkdirSync(join(trial, name), { recursive: true });
    return existsSync(join(trial, other));
  } finally {
    rmSync(trial, { recursive: true });
  }
}

function checkNames({ path, label }: NamedFile, { folder, missing }: Place): void {
  if (missing.length === 0 && statSync(path).isDirectory()) {
    throw new QwenAsrError('file', `${label}: expected a file, found a directory`);
  }
  for (const name of missing) {
    try {
      // The file system knows how long a name may be, in its own units.
      lstatSync(join(folder, name), { throwIfNoEntry: false });
    } catch (cause) {
      throw fileError(label, cause);
    }
  }
}

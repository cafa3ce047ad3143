import { createHash, randomBytes } from 'node:crypto';
import {
  closeSync,
  linkSync,
  openSync,
  readFileSync,
  realpathSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { fileError, QwenAsrError } from '../error.js';
import { draftOf } from './writeWhole.js';

/** A lock without a holder is one that is just being made, for so long. */
const BLANK_MS = 5000;

/** Attempts at a lock that somebody gave free, or had left behind, just when it was looked at. */
const ATTEMPTS = 100;

/** Why a lock could not be taken. */
export interface LockHolder {
  /** Number of the process, or `another`. */
  readonly holder: string;
  /** The file that says so. */
  readonly lock: string;
}

/** What a lock says of who holds it. */
interface FoundLock {
  readonly text: string;
  readonly ageMs: number;
}

/**
 * Keeps a file to this process: beside it stands a file `.lock` that names the holder. What a killed process has left
 * is taken over. Where none can be made, as in a folder that is read-only, there is no lock.
 *
 * @param option named in the message
 * @returns gives the file free
 * @throws QwenAsrError `file` when another process holds it
 * @example
 * const unlock = lockFile('runs.jsonl', '--resume');
 */
export function lockFile(path: string, option: string): () => void {
  const taken = tryToLock(path);
  if (typeof taken === 'function') return taken;
  const found = `process ${taken.holder} writing it (${taken.lock})`;
  throw new QwenAsrError(
    'file',
    `${option} ${path}: expected a file that nobody else writes, found ${found}`,
  );
}

/**
 * The same for who can wait.
 *
 * @returns gives the file free; or who holds it
 */
export function tryToLock(path: string): (() => void) | LockHolder {
  return lockBeside(realPathOf(path));
}

/**
 * A lock comes into being with its holder's name in it, and goes by its holder's hand. One that a killed process has left
 * goes by the hand of who holds the lock of that very lock (`NAME.ID.lock`, by its text, which is never the same twice):
 * of two that found it, the second finds something else when its turn comes, and leaves it alone.
 */
function lockBeside(path: string): (() => void) | LockHolder {
  const lock = `${path}.lock`;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const text = holderText(process.pid) + randomBytes(8).toString('hex');
    const made = tryToMake(lock, text);
    if (made === 'made') return keep(lock, text);
    const found = readLock(lock);
    const holder = found === null ? null : livingHolder(found);
    if (holder !== null) return { holder, lock };
    // Nothing can be made or removed here; the writer still notices if another one writes.
    if (made === 'impossible') return () => {};
    if (found === null) continue; // given free just now
    const takeover = lockBeside(`${path}.${idOf(found.text)}`);
    if (typeof takeover !== 'function') return { holder: takeover.holder, lock };
    removeStale(lock, found.text);
    takeover();
  }
  return { holder: 'another', lock };
}

/**
 * Makes a lock with its text at once.
 *
 * @returns `taken` where there is one
 * @throws QwenAsrError `file` where it can be made but not be written
 */
function tryToMake(lock: string, text: string): 'made' | 'taken' | 'impossible' {
  const draft = draftOf(lock);
  const drafted = tryToWrite(draft, text, lock);
  if (drafted !== 'made') return drafted;
  try {
    linkSync(draft, lock);
    return 'made';
  } catch (cause) {
    if (codeOf(cause) === 'EEXIST') return 'taken';
  } finally {
    remove(draft);
  }
  // A file system without hard links, as on memory sticks: the lock is blank for a moment.
  return tryToWrite(lock, text, lock);
}

/** @param lock named where the disk is full */
function tryToWrite(path: string, text: string, lock: string): 'made' | 'taken' | 'impossible' {
  let file: number;
  try {
    file = openSync(path, 'wx');
  } catch (cause) {
    return codeOf(cause) === 'EEXIST' ? 'taken' : 'impossible';
  }
  try {
    writeSync(file, text);
    return 'made';
  } catch (cause) {
    // A blank lock would keep others out.
    remove(path);
    throw fileError(lock, cause);
  } finally {
    closeSync(file);
  }
}

function keep(lock: string, text: string): () => void {
  const unlock = (): void => {
    process.off('exit', unlock);
    if (readLock(lock)?.text === text) remove(lock);
  };
  process.on('exit', unlock);
  return unlock;
}

/** Null when there is none. */
function readLock(lock: string): FoundLock | null {
  try {
    const text = readFileSync(lock, 'utf8');
    return { text, ageMs: Date.now() - statSync(lock).mtimeMs };
  } catch {
    return null;
  }
}

/** The process that holds a lock; null when it has ended. */
function livingHolder({ text, ageMs }: FoundLock): string | null {
  const pid = Number.parseInt(text, 10);
  if (!(pid > 0)) return ageMs < BLANK_MS ? 'another' : null;
  // The number of a process is used again, but not with the same time of its start.
  return isAlive(pid) && text.startsWith(holderText(pid)) ? String(pid) : null;
}

/** Number of a process, and when it started where the system tells (field 22 of proc_pid_stat(5)). */
function holderText(pid: number): string {
  let startedAt = '';
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    startedAt = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    // Not every system has it.
  }
  return `${pid} ${startedAt}\n`;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

/** Of a lock's text, for the name of a file. */
function idOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/** Only for who holds the lock of the lock. */
function removeStale(lock: string, text: string): void {
  const found = readLock(lock);
  if (found !== null && found.text === text && livingHolder(found) === null) remove(lock);
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Another process was first.
  }
}

function realPathOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

import { closeSync, openSync, readFileSync, realpathSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { fileError, QwenAsrError } from '../error.js';

/** A lock without a holder is one that is just being made, for so long. */
const BLANK_MS = 5000;

/** Attempts to take over what a process has left behind that was killed. */
const ATTEMPTS = 5;

/** Why a lock could not be taken. */
export interface LockHolder {
  /** Number of the process, or `another`. */
  readonly holder: string;
  /** The file that says so. */
  readonly lock: string;
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
  const lock = `${realPathOf(path)}.lock`;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (tryToMake(lock)) return keep(lock);
    const holder = livingHolder(lock);
    if (holder !== null) return { holder, lock };
    removeStale(lock);
  }
  // Nothing can be made or removed here; the writer still notices if another one writes.
  return () => {};
}

/**
 * Whether the lock is this process's now.
 *
 * @throws QwenAsrError `file` where it can be made but not be written
 */
function tryToMake(lock: string): boolean {
  let file: number;
  try {
    file = openSync(lock, 'wx');
  } catch {
    return false;
  }
  try {
    writeSync(file, holderText(process.pid));
    return true;
  } catch (cause) {
    // A full disk: a blank lock would keep others out.
    removeStale(lock);
    throw fileError(lock, cause);
  } finally {
    closeSync(file);
  }
}

function keep(lock: string): () => void {
  const unlock = (): void => {
    process.off('exit', unlock);
    removeStale(lock);
  };
  process.on('exit', unlock);
  return unlock;
}

/** The process that holds a lock; null when it has ended, or when there is no lock. */
function livingHolder(lock: string): string | null {
  let text: string;
  let ageMs: number;
  try {
    text = readFileSync(lock, 'utf8');
    ageMs = Date.now() - statSync(lock).mtimeMs;
  } catch {
    return null;
  }
  const pid = Number.parseInt(text, 10);
  if (!(pid > 0)) return ageMs < BLANK_MS ? 'another' : null;
  // The number of a process is used again, but not with the same time of its start.
  return isAlive(pid) && holderText(pid) === text ? String(pid) : null;
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
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function removeStale(lock: string): void {
  try {
    unlinkSync(lock);
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

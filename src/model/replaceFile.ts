import { accessSync, constants, renameSync, rmSync, statSync } from 'node:fs';

/** 1 s in all: scanners for viruses and indexers open every new file for a moment. */
const WAITS_MS = [10, 40, 150, 300, 500];

/** What libuv makes of "access denied", "sharing violation" and "user-mapped section open". */
const IN_USE = /^(EPERM|EACCES|EBUSY|UNKNOWN)$/;

/** The system that files are on. */
export interface FileSystem {
  readonly platform: NodeJS.Platform;
  rename(from: string, to: string): void;
  remove(path: string): void;
  /** Whether it is a file that this account may write to. */
  isWritable(path: string): boolean;
  pause(ms: number): void;
}

const OWN: FileSystem = {
  platform: process.platform,
  rename: renameSync,
  remove: (path) => rmSync(path, { force: true }),
  isWritable,
  pause: (ms) => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms),
};

/**
 * Gives a file another name, that of another file perhaps, which is replaced. Windows refuses that while somebody has the
 * other file open or mapped: it is tried again for a second.
 *
 * @throws the system's error; on Windows with the code EBUSY for a file that stays in use
 */
export function replaceFile(from: string, to: string, system: FileSystem = OWN): void {
  untilFree(to, () => system.rename(from, to), system);
}

/** Removes a file, if there is one; throws as {@link replaceFile}. */
export function removeFile(path: string, system: FileSystem = OWN): void {
  untilFree(path, () => system.remove(path), system);
}

function untilFree(path: string, call: () => void, system: FileSystem): void {
  for (const waitMs of [...WAITS_MS, null]) {
    try {
      return call();
    } catch (cause) {
      const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
      if (system.platform !== 'win32' || !IN_USE.test(code) || !system.isWritable(path)) throw cause;
      if (waitMs === null) throw Object.assign(new Error(`${path} is in use`, { cause }), { code: 'EBUSY' });
      system.pause(waitMs);
    }
  }
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

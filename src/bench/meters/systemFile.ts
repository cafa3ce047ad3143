import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

/** The text of a file of the system, such as those below /proc; null where there is none or it may not be read. */
export function readSystemFile(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

/** The same, of files that Linux alone has; on Windows the path may lead to anything. */
export function readLinuxFile(path: string): string | null {
  return process.platform === 'win32' ? null : readSystemFile(path);
}

/** Far more than the files that are kept open have. */
const BUFFER_BYTES = 8192;

/** A file of /proc that is read again and again: opened once, made anew by the system at every read. */
export class SystemFile {
  readonly #file: number;
  readonly #buffer = Buffer.alloc(BUFFER_BYTES);

  private constructor(file: number) {
    this.#file = file;
  }

  /** @returns null where there is no such file, or it may not be read */
  static open(path: string): SystemFile | null {
    if (process.platform === 'win32') return null;
    try {
      const opened = new SystemFile(openSync(path, 'r'));
      opened.read(); // some files open and cannot be read
      return opened;
    } catch {
      return null;
    }
  }

  /** Its first 8 KB as bytes; valid until the next call. */
  read(): Buffer {
    return this.#buffer.subarray(0, readSync(this.#file, this.#buffer, 0, BUFFER_BYTES, 0));
  }

  close(): void {
    closeSync(this.#file);
  }
}

import { type Stats, statSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { QwenAsrError } from '../error.js';
import type { Native } from './system/native.js';

/** A file in memory, by the shape that model readers expect of an opened file. */
export interface MappedModelFile {
  readonly buffer: ArrayBufferLike;
  readonly byteOffset: 0;
  readonly byteLength: number;
  release(): void;
}

/**
 * Files that are mapped instead of read: weights are used where the page cache has them.
 *
 * A mapping shows the file as it is at every moment. One that is replaced (a new file renamed over it) stays as it was;
 * one that is overwritten in place changes under the model, and one that is truncated ends the process with SIGBUS at
 * the next read past its new end, which no program can turn into an error. `checkUnchanged` sees both before a pass, but
 * not within one, nor where a file has lost its name or its system keeps no times. Windows neither cuts nor replaces a
 * file that is mapped.
 */
export class MappedFiles {
  private readonly native: Native;
  /** By absolute path: what each was when it was mapped. */
  private readonly mapped = new Map<string, Stats>();
  private readonly buffers = new Set<ArrayBufferLike>();
  private lookedAtMs = Number.NEGATIVE_INFINITY;

  constructor(native: Native) {
    this.native = native;
  }

  /**
   * @returns null where the file cannot be mapped, and may be read
   * @throws QwenAsrError `file` for what is no regular file or is empty; errors of node:fs as they are
   */
  async map(path: string): Promise<MappedModelFile | null> {
    // Asked before opening: opening a pipe would wait for a writer.
    if (!(await stat(path)).isFile()) throw unusable(path, 'expected a file, found something else');
    const handle = await open(path, 'r');
    try {
      const status = await handle.stat();
      const { size } = status;
      if (size === 0) throw unusable(path, 'the file is empty');
      const file = this.native.mapFile(handle.fd, size, path);
      if (file === null) return null;
      const absolute = resolve(path);
      this.mapped.set(absolute, status);
      this.buffers.add(file.buffer);
      const release = (): void => {
        this.mapped.delete(absolute);
        this.buffers.delete(file.buffer);
        file.unmap();
      };
      return { buffer: file.buffer, byteOffset: 0, byteLength: size, release };
    } finally {
      await handle.close();
    }
  }

  /** Lets go of the pages that hold these bytes, which the system keeps or reads again; of other memory nothing. */
  forget(bytes: Uint8Array): void {
    if (!this.buffers.has(bytes.buffer) || bytes.byteLength === 0) return;
    const { pageBytes } = this.native;
    const address = this.native.addressOf(bytes);
    const start = Math.floor(address / pageBytes) * pageBytes;
    const end = Math.ceil((address + bytes.byteLength) / pageBytes) * pageBytes;
    this.native.forget(start, end - start);
  }

  /**
   * Before a pass; looks only as often as the system needs it.
   *
   * @throws QwenAsrError `file` when a mapped file has been written to or cut short since it was mapped
   */
  checkUnchanged(): void {
    const nowMs = performance.now();
    if (nowMs - this.lookedAtMs < this.native.lookAgainMs) return;
    this.lookedAtMs = nowMs;
    for (const [path, { dev, ino, size, mtimeMs }] of this.mapped) {
      const now = look(path);
      // Another file by that name leaves the mapped one as it was.
      if (now === null || now.ino !== ino || now.dev !== dev) continue;
      if (now.size === size && now.mtimeMs === mtimeMs) continue;
      const change = now.size === size ? 'was written to' : `changed from ${size} to ${now.size} bytes`;
      throw unusable(path, `the file ${change} while the model was in use: load the model again`);
    }
  }
}

function look(path: string): Stats | null {
  try {
    return statSync(path);
  } catch {
    return null;
  }
}

function unusable(path: string, why: string): QwenAsrError {
  return new QwenAsrError('file', `${path}: ${why}`);
}

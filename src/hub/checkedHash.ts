import { readFileSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { fileError } from '../error.js';
import { writeWhole } from '../model/writeWhole.js';
import { hashFile } from './partialFile.js';
import type { HubFile } from './revisionAnswer.js';

/**
 * Whether a file's hash is the one that the hub names. It is looked at once: a mark remembers it, as long as the file has
 * the same size and time.
 *
 * @param mark path of the mark
 * @throws QwenAsrError `file` for what cannot be read, `aborted`
 */
export async function checkedHash(
  path: string,
  mark: string,
  file: HubFile,
  signal?: AbortSignal,
): Promise<boolean> {
  if (isMarked(path, mark)) return true;
  try {
    const handle = await open(path, 'r');
    try {
      if ((await hashFile(handle, file, signal)) !== file.hash) return false;
    } finally {
      await handle.close();
    }
  } catch (cause) {
    throw fileError(path, cause);
  }
  markChecked(path, mark);
  return true;
}

/** Remembers that a file's hash is right. */
export function markChecked(path: string, mark: string): void {
  try {
    writeWhole(mark, markOf(path));
  } catch {
    // A read-only cache: it will be hashed again.
  }
}

function isMarked(path: string, mark: string): boolean {
  try {
    return readFileSync(mark, 'utf8') === markOf(path);
  } catch {
    return false;
  }
}

/** Size and time of the last change, in a line. */
function markOf(path: string): string {
  const { size, mtimeNs } = statSync(path, { bigint: true });
  return `${size} ${mtimeNs}\n`;
}

import { randomBytes } from 'node:crypto';
import { renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * Writes a file as a whole: under another name first, so that nobody ever reads half of it and a full disk leaves the old
 * one. What went wrong is thrown as it is, after the draft is gone.
 *
 * @example
 * replaceFile('talk.srt', text);
 */
export function replaceFile(path: string, content: string): void {
  const draft = draftOf(path);
  try {
    writeFileSync(draft, content, { flag: DRAFT_FLAG });
    renameSync(draft, path);
  } catch (error) {
    removeQuietly(draft);
    throw error;
  }
}

/** Makes a file that was not there, and never goes through a link (POSIX: O_EXCL). */
export const DRAFT_FLAG = 'wx';

/**
 * A name in a file's folder that is not taken: nobody can have put a link there, and it is short, so that every name that
 * a file may have leaves room for it. To be opened with {@link DRAFT_FLAG}.
 */
export function draftOf(path: string): string {
  return join(dirname(path), `.qwen-asr-${randomBytes(8).toString('hex')}.part`);
}

/** Removes a file that may never have been made. */
export function removeQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It was never made.
  }
}

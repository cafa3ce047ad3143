import { renameSync, unlinkSync, writeFileSync } from 'node:fs';

/**
 * Writes a file as a whole: under another name first, so that nobody ever reads half of it and a full disk leaves the old
 * one. What went wrong is thrown as it is, after the draft is gone.
 *
 * @param draft the other name, in the same folder
 * @example
 * replaceFile('talk.srt', 'talk.srt.part', text);
 */
export function replaceFile(path: string, draft: string, content: string): void {
  try {
    writeFileSync(draft, content);
    renameSync(draft, path);
  } catch (error) {
    removeQuietly(draft);
    throw error;
  }
}

/** Removes a file that may never have been made. */
export function removeQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It was never made.
  }
}

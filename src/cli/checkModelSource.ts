import { statSync } from 'node:fs';
import { QwenAsrError } from '../error.js';

/**
 * Refuses a `-d` that cannot name a model, before anything slow begins.
 *
 * @throws QwenAsrError `file` when there is no such directory.
 */
export function checkModelSource(source: string): void {
  if (source.startsWith('synthetic:')) return;
  const entry = stat(source);
  if (entry === undefined) throw new QwenAsrError('file', `${source}: no such model directory`);
  if (!entry.isDirectory())
    throw new QwenAsrError('file', `${source}: expected a model directory, found a file`);
}

function stat(path: string) {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (cause) {
    throw new QwenAsrError('file', `${path}: cannot be read (${(cause as NodeJS.ErrnoException).code})`, {
      cause,
    });
  }
}

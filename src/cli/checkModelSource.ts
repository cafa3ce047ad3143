import { statSync } from 'node:fs';
import { QwenAsrError } from '../error.js';
import { fileError } from '../model/fileError.js';
import { parseSyntheticName } from '../model/syntheticName.js';

/**
 * Refuses a `-d` that cannot name a model, before anything slow begins.
 *
 * @throws QwenAsrError `file` when there is no such directory, `usage` for a synthetic model there is not.
 */
export function checkModelSource(source: string): void {
  if (parseSyntheticName(source) !== null) return;
  if (source === '') throw new QwenAsrError('usage', '-d: expected a model directory, found ""');
  const entry = stat(source);
  if (entry === undefined) throw new QwenAsrError('file', `${source}: no such model directory`);
  if (!entry.isDirectory())
    throw new QwenAsrError('file', `${source}: expected a model directory, found a file`);
}

function stat(path: string) {
  try {
    return statSync(path);
  } catch (cause) {
    const isAbsent =
      cause instanceof Error && 'code' in cause && /^(ENOENT|ENOTDIR)$/.test(String(cause.code));
    if (isAbsent) return undefined;
    throw fileError(path, cause);
  }
}

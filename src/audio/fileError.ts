import { QwenAsrError } from '../error.js';

/** The error of a file that could not be read, with the system's reason in words. */
export function fileError(label: string, cause: unknown): QwenAsrError {
  if (cause instanceof QwenAsrError) return cause;
  return new QwenAsrError('file', `${label}: ${reasonOf(cause)}`, { cause });
}

function reasonOf(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'no such file';
  if (code === 'EACCES' || code === 'EPERM') return 'permission denied';
  return `cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`;
}

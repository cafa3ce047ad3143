import { QwenAsrError } from '../error.js';

/**
 * An error of the file system as this project's, in plain words; its own errors pass through.
 *
 * @param path begins the message
 */
export function fileError(path: string, cause: unknown): QwenAsrError {
  return cause instanceof QwenAsrError
    ? cause
    : new QwenAsrError('file', `${path}: ${reasonOf(cause)}`, { cause });
}

function reasonOf(cause: unknown): string {
  const reason = cause instanceof Error && 'code' in cause ? REASONS[String(cause.code)] : undefined;
  if (reason !== undefined) return reason;
  const message = cause instanceof Error ? cause.message : String(cause);
  // libuv's messages are `CODE: reason, call 'path'`.
  return `cannot be used: ${message.replace(/^[A-Z0-9]+: (.+), \w+(?: '.*')?$/s, '$1')}`;
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EEXIST: 'expected a directory, found a file',
  ENOTDIR: 'part of the path is not a directory',
  EISDIR: 'expected a file, found a directory',
  ENAMETOOLONG: 'the name is too long',
  ELOOP: 'too many symbolic links',
  EMFILE: 'too many open files',
  ENFILE: 'too many open files',
  ENOSPC: 'no space left on the disk',
  EDQUOT: 'the disk quota is used up',
  EROFS: 'the file system is read-only',
  EBUSY: 'it is in use',
  EIO: 'the disk failed',
  ERR_INVALID_ARG_VALUE: 'expected a path, found one with a zero character',
};

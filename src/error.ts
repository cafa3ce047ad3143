import { printableLine } from './printable.js';

/** What went wrong, in one word that programs can switch on. */
export type ErrorCode =
  | 'usage' // a command line or an option that cannot be carried out
  | 'file' // a file or directory that is missing, unreadable or unwritable
  | 'network' // a server that cannot be reached, or answers something else than was asked for
  | 'audio' // bytes that are not the audio they claim to be
  | 'model' // a model directory that is incomplete or inconsistent
  | 'tokenizer' // text that this vocabulary cannot encode
  | 'numeric' // a stage produced NaN or an infinity
  | 'memory' // not enough memory, or no memory of the needed kind
  | 'unsupported' // this CPU, runtime or build cannot do it
  | 'closed' // use of a model after close()
  | 'aborted' // stopped by the caller's AbortSignal
  | 'compare' // results that must not be compared, or a failed comparison
  | 'internal'; // a broken promise of this project: please report it

/**
 * The one error class of the project. The message is a single line that says where, what was expected and what
 * was found; `cause` keeps the underlying error for people who debug. Where an option of a call is to blame, `option` is
 * its name, which the message begins with, so that a command line can put its flag there.
 *
 * @example
 * throw new QwenAsrError('audio', 'clip.wav: expected a RIFF header, found "OggS"');
 */
export class QwenAsrError extends Error {
  override readonly name = 'QwenAsrError';
  readonly code: ErrorCode;
  readonly option: string | undefined;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; option?: string } = {}) {
    const { option, ...errorOptions } = options;
    const line = option === undefined ? message : `${option}: ${message}`;
    super(oneLine(line), errorOptions);
    this.code = code;
    this.option = option;
  }
}

/**
 * A text as errors show it: in one line, and without control characters, which files' names and contents may hold and
 * which could give commands to a terminal.
 *
 * @example
 * oneLine('a\n b\u001b[2J'); // 'a b\\x1b[2J'
 */
export function oneLine(text: string): string {
  return printableLine(text.replace(/\s*[\r\n]+\s*/g, ' '));
}

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
  EBUSY: 'it is in use (by another program, or by a model that is loaded)',
  EIO: 'the disk failed',
  ERR_INVALID_ARG_VALUE: 'expected a path, found one with a zero character',
};

import { type ByteInput, isByteInput, nameOfBytes, takeBytes } from '../model/byteInput.js';
import { checkOptions } from '../model/checkArguments.js';
import { type FileSource, openFileSource } from './fileSource.js';
import { sourceInMemory } from './spool.js';

/** A path that is no text: a name that is not UTF-8. */
export interface UndecodedPath {
  readonly path: Buffer;
}

/** Where a recording comes from: a path, `-` for standard input, or its bytes. */
export type AudioInput = string | UndecodedPath | ByteInput;

/**
 * Opens what a caller gives for a recording. Bytes are copied before this returns.
 *
 * @throws QwenAsrError `usage` for anything else; `file` when it cannot be read; `aborted`
 */
export async function openInput(
  input: AudioInput,
  options: { signal?: AbortSignal | undefined; label?: string | undefined },
): Promise<FileSource> {
  checkOptions(options);
  if (isUndecodedPath(input)) return openFileSource(input.path, options.signal);
  if (!isByteInput(input)) return openFileSource(input, options.signal ?? undefined);
  const label = options.label ?? nameOfBytes(input, 'audio');
  return sourceInMemory(await takeBytes(input, label), label, options.signal ?? undefined);
}

function isUndecodedPath(input: AudioInput): input is UndecodedPath {
  return typeof input === 'object' && input !== null && 'path' in input && Buffer.isBuffer(input.path);
}

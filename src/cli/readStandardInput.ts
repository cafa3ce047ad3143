import { addAbortSignal } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { QwenAsrError } from '../error.js';

/**
 * Everything that is piped into the process.
 *
 * @throws QwenAsrError `file` when nobody pipes: the standard input is a terminal or cannot be read.
 */
export async function readStandardInput(signal: AbortSignal): Promise<Uint8Array> {
  if (process.stdin.isTTY) {
    throw new QwenAsrError('file', 'standard input: expected a WAV file from a pipe, found a terminal');
  }
  try {
    return await buffer(addAbortSignal(signal, process.stdin));
  } catch (cause) {
    throw new QwenAsrError('file', `standard input: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    });
  }
}

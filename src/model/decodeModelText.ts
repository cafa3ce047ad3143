import { QwenAsrError } from '../error.js';

/** Largest text file that is read. The published tokenizer.json has 11 MB, vocab.json 3 MB. */
const MAX_TEXT_BYTES = 32 * 2 ** 20;

/**
 * Refuses to read a text file that cannot be one of a model.
 *
 * @throws QwenAsrError `model`
 */
export function checkTextSize(byteLength: number, path: string): void {
  if (byteLength <= MAX_TEXT_BYTES) return;
  throw new QwenAsrError('model', `${path}: expected at most ${MAX_TEXT_BYTES} bytes, found ${byteLength}`);
}

/**
 * The text of a model's file.
 *
 * @throws QwenAsrError `model` when it is not UTF-8
 * @example
 * decodeModelText(new Uint8Array([123, 125]), 'models/demo/config.json'); // '{}'
 */
export function decodeModelText(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new QwenAsrError('model', `${path}: not UTF-8 text`, { cause });
  }
}

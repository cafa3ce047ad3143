import { QwenAsrError } from '../error.js';
import { describeValue } from './describe.js';

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

/**
 * Parses JSON that must be an object.
 *
 * @param where Begins the message.
 * @throws QwenAsrError `model` when the text is not JSON or its value is not an object.
 *
 * @example
 * parseObject('{"head_dim":128}', 'config.json'); // { head_dim: 128 }
 */
export function parseObject(text: string, where: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    // The engine's message quotes the text, control characters included.
    const reason = (cause instanceof Error ? cause.message : String(cause)).replace(/\p{Cc}+/gu, ' ');
    throw new QwenAsrError('model', `${where}: not JSON: ${reason}`, { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new QwenAsrError('model', `${where}: expected a JSON object, found ${describeValue(value)}`);
  }
  return value as Record<string, unknown>;
}

/**
 * Parses a file that must hold one JSON object. A byte order mark is accepted.
 *
 * @throws QwenAsrError `model` naming the file when it is something else.
 */
export function parseJsonObject(text: string, where: string): Record<string, unknown> {
  return parseObject(text.replace(/^\ufeff/, ''), where);
}

/** True for what JSON calls an object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

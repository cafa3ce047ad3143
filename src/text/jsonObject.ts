import { QwenAsrError } from '../error.js';
import { describeValue } from '../model/describe.js';

/**
 * Parses a file that must hold one JSON object. A byte order mark is accepted.
 *
 * @throws QwenAsrError `model` naming the file when it is something else.
 */
export function parseJsonObject(text: string, where: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\ufeff/, ''));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new QwenAsrError('model', `${where}: expected JSON: ${reason}`, { cause });
  }
  if (isObject(value)) return value;
  throw new QwenAsrError('model', `${where}: expected a JSON object, found ${describeValue(value)}`);
}

/** True for what JSON calls an object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

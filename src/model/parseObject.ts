import { QwenAsrError } from '../error.js';
import { describeValue } from './describe.js';

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

import { parseObject } from '../model/parseObject.js';

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

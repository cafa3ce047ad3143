import { QwenAsrError } from '../error.js';

/** For the default of a switch over a union: does not compile while a case is missing. */
export function unknownCase(value: never): QwenAsrError {
  return new QwenAsrError('internal', `kernel language: no such case: ${JSON.stringify(value)}`);
}

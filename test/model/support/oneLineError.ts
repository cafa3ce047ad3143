import assert from 'node:assert/strict';
import { type ErrorCode, QwenAsrError } from '../../../src/error.js';

/** Longest message that still reads as one line. */
const LONGEST_MESSAGE = 600;

/** A validator for assert.throws and assert.rejects: this project's error, one printable line, of this code. */
export function oneLineError(code: ErrorCode, pattern?: RegExp): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof QwenAsrError, `expected QwenAsrError, found ${error}`);
    assert.equal(error.code, code, error.message);
    assert.ok(error.message.length > 0 && error.message.length <= LONGEST_MESSAGE, error.message);
    assert.ok(
      [...error.message].every((character) => character.charCodeAt(0) >= 0x20),
      JSON.stringify(error.message),
    );
    if (pattern !== undefined) assert.match(error.message, pattern);
    return true;
  };
}

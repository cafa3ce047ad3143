import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QwenAsrError } from '../../../src/error.js';
import { chunkMel } from '../../../src/kernels/audio/convStem.js';

const kernel = chunkMel({ bins: 4, width: 8 });
const mel = { address: 4096, byteLength: 4 * 4 * 7 };
const map = { address: 2 ** 40, byteLength: 4 * 6 * 10 };

function recorded(values: Record<string, unknown>): readonly number[] {
  // As a caller whom the compiler has not stopped.
  return kernel.call(values as Parameters<typeof kernel.call>[0]).slots;
}

test('values go to the slots that the kernel names', () => {
  assert.deepEqual(recorded({ map, frames: 7, mel }), [4096, 7, 2 ** 40]);
});

test('an argument that is forgotten or no integer is an error that names kernel and argument', () => {
  const wrong: [values: Record<string, unknown>, found: string][] = [
    [{ mel, map }, 'undefined'],
    [{ mel, frames: undefined, map }, 'undefined'],
    [{ mel, frames: Number.NaN, map }, 'NaN'],
    [{ mel, frames: 1.5, map }, '1.5'],
  ];
  for (const [values, found] of wrong) {
    const message = `kernel chunkMel.4x8: argument frames: expected an address or a number, found ${found}`;
    assert.throws(
      () => recorded(values),
      (error) => {
        assert.ok(error instanceof QwenAsrError);
        assert.deepEqual([error.code, error.message], ['internal', message]);
        return true;
      },
    );
  }
});

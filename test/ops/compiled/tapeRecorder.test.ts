import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QwenAsrError } from '../../../src/error.js';
import { x64Capabilities } from '../../../src/jit/x64/level.js';
import { chunkMel } from '../../../src/kernels/chunkMel.js';
import { TapeRecorder } from '../../../src/ops/compiled/tapeRecorder.js';

const kernel = chunkMel({ bins: 4, width: 8 });

function recorded(values: Record<string, unknown>): readonly number[] {
  const tape = new TapeRecorder(x64Capabilities('avx2'), 'f32', 1);
  // As a caller whom the compiler has not stopped.
  tape.call(kernel, values as Parameters<typeof tape.call<'mel' | 'frames' | 'map'>>[1], 1);
  return tape.calls[0]!.slots;
}

test('values go to the slots that the kernel names', () => {
  assert.deepEqual(recorded({ map: 2 ** 40, frames: 7, mel: 4096 }), [4096, 7, 2 ** 40]);
});

test('an argument that is forgotten or no integer is an error that names kernel and argument', () => {
  const wrong: [values: Record<string, unknown>, found: string][] = [
    [{ mel: 4096, map: 8192 }, 'undefined'],
    [{ mel: 4096, frames: undefined, map: 8192 }, 'undefined'],
    [{ mel: 4096, frames: Number.NaN, map: 8192 }, 'NaN'],
    [{ mel: 4096, frames: 1.5, map: 8192 }, '1.5'],
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

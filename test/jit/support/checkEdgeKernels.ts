import assert from 'node:assert/strict';
import { interpret } from '../../../src/jit/interpreter.js';
import type { Capabilities } from '../../../src/jit/ir.js';
import type { KernelTarget } from './checkRandomKernels.js';
import { edgeKernels } from './edgeKernels.js';

/**
 * Runs every edge kernel on a target and on the interpreter, and compares bit for bit (NaNs of arithmetic as NaNs).
 *
 * @returns how many results were compared
 * @throws AssertionError with the operation and the place of the first difference.
 */
export function checkEdgeKernels(target: KernelTarget, capabilities: Capabilities): number {
  let compared = 0;
  for (const { code, memory, anyNaN } of edgeKernels(capabilities)) {
    const [expected, found] = [memory.slice(), memory.slice()];
    interpret(code, expected.buffer, [0]);
    target(code)(found, []);
    const [expectedWords, foundWords] = [words(expected, anyNaN), words(found, anyNaN)];
    const at = expectedWords.findIndex((word, i) => word !== foundWords[i]);
    const hex = (value: number | undefined): string => (value ?? 0).toString(16).padStart(8, '0');
    assert.ok(
      at < 0,
      `${code.name}: word ${at} of the memory: expected ${hex(expectedWords[at])}, found ${hex(foundWords[at])}`,
    );
    compared += expectedWords.length;
  }
  return compared;
}

/** 32-bit words; all NaNs become one where they are equally good. */
function words(memory: Uint8Array<ArrayBuffer>, anyNaN: boolean): Uint32Array {
  const result = new Uint32Array(memory.buffer);
  return anyNaN ? result.map((word) => ((word & 0x7fffffff) > 0x7f800000 ? 0x7fc00000 : word)) : result;
}

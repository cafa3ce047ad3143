import { AssertionError } from 'node:assert/strict';
import { interpret } from '../../../src/jit/interpreter.js';
import type { Capabilities, Instruction, KernelCode } from '../../../src/jit/ir.js';
import { Random } from '../../support/random.js';
import { randomMemory } from './kernelMemory.js';
import { randomKernel } from './randomKernel.js';

/**
 * Makes a kernel runnable on a target. What it returns puts `memory` somewhere on a multiple of 64 bytes, calls the
 * kernel with the address followed by `integers`, and brings the memory back changed.
 */
export type KernelTarget = (
  code: KernelCode,
) => (memory: Uint8Array<ArrayBuffer>, integers: readonly number[]) => void;

/**
 * Runs random kernels with random memories on a target and on the interpreter, and compares the memories bit for bit.
 *
 * @returns how often every operation was generated, by name and kind, such as `vecBinary add`
 * @throws AssertionError with the seed, the first differing byte and the kernel.
 *
 * @example
 * checkRandomKernels(target, capabilities, { seed: 1, count: 500 });
 */
export function checkRandomKernels(
  target: KernelTarget,
  capabilities: Capabilities,
  { seed, count }: { seed: number; count: number },
): Map<string, number> {
  const seen = new Map<string, number>();
  for (let i = 0; i < count; i++) {
    const random = new Random(seed + i);
    const code = randomKernel(random, capabilities, `random ${seed + i}`);
    countOperations(code.body, seen);
    const run = target(code);
    for (let repetition = 0; repetition < 2; repetition++) {
      const expected = randomMemory(random);
      const found = expected.slice();
      const integers = [random.integer(-4096, 4096), random.integer(-4096, 4096)];
      interpret(code, expected.buffer, [0, ...integers]);
      run(found, integers);
      compareMemories(code, expected, found);
    }
  }
  return seen;
}

function compareMemories(code: KernelCode, expected: Uint8Array, found: Uint8Array): void {
  const at = expected.findIndex((byte, i) => byte !== found[i]);
  if (at < 0) return;
  const word = (memory: Uint8Array): string => {
    const view = new DataView(memory.buffer, memory.byteOffset);
    return view
      .getUint32(at & ~3, true)
      .toString(16)
      .padStart(8, '0');
  };
  throw new AssertionError({
    message:
      `kernel "${code.name}": memory differs at byte ${at}: expected ${word(expected)}, ` +
      `found ${word(found)}\n${code.body.map((i) => JSON.stringify(i)).join('\n')}`,
  });
}

function countOperations(body: readonly Instruction[], seen: Map<string, number>): void {
  for (const i of body) {
    const name = [i.op, 'kind' in i ? i.kind : '', 'type' in i ? i.type : ''].filter(Boolean).join(' ');
    seen.set(name, (seen.get(name) ?? 0) + 1);
    if (i.op === 'loop' || i.op === 'while') countOperations(i.body, seen);
    if (i.op === 'if') for (const branch of [i.whenTrue, i.whenFalse]) countOperations(branch, seen);
  }
}

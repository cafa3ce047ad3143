import { QwenAsrError } from '../error.js';
import type { Instruction, IntReg, KernelCode, VecReg } from './ir.js';
import { registersUsed } from './registersUsed.js';

/** Registers that hold a value on every way to a place in the body: `int3`, `vec0`, … */
type Assigned = Set<string>;

/**
 * Checks that every register is written before it is read on every way through the body, whatever its conditions
 * and counts turn out to be:
 *
 * - an `if` gives a value to what both of its bodies write;
 * - the body of a `loop` or `while` starts with what was written before it: nothing comes round from the iteration
 *   before, as the first has none;
 * - after it, what its body wrote counts only where a constant says that it runs at least once.
 *
 * Register allocation relies on this: a value that lives on from one iteration to the next was written before the loop.
 *
 * @throws QwenAsrError `internal` that names kernel, operation and register
 */
export function checkDefiniteAssignment(code: KernelCode): void {
  follow(code.name, code.body, new Set(code.params.map(nameOf)));
}

/** Adds to `assigned` what holds a value after the body. */
function follow(kernel: string, body: readonly Instruction[], assigned: Assigned): void {
  for (const instruction of body) {
    const { reads, writes } = registersUsed(instruction);
    for (const register of reads) {
      if (assigned.has(nameOf(register))) continue;
      throw new QwenAsrError(
        'internal',
        `kernel ${kernel}, ${instruction.op}: ${nameOf(register)} may be read before it is written`,
      );
    }
    for (const register of writes) assigned.add(nameOf(register));
    followNested(kernel, instruction, assigned);
  }
}

function followNested(kernel: string, instruction: Instruction, assigned: Assigned): void {
  switch (instruction.op) {
    case 'if': {
      const otherwise = new Set(assigned);
      const before = new Set(assigned);
      follow(kernel, instruction.whenTrue, assigned);
      follow(kernel, instruction.whenFalse, otherwise);
      for (const name of assigned) if (!before.has(name) && !otherwise.has(name)) assigned.delete(name);
      break;
    }
    case 'loop': {
      const runs = typeof instruction.count === 'number' && instruction.count > 0;
      follow(kernel, instruction.body, runs ? assigned : new Set(assigned));
      break;
    }
    case 'while':
      follow(kernel, instruction.body, new Set(assigned));
      break;
    default: // has no bodies
  }
}

function nameOf({ kind, id }: IntReg | VecReg): string {
  return `${kind}${id}`;
}

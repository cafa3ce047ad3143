import type { KernelBuilder } from '../../../src/jit/builder.js';
import type { IntReg, VecReg } from '../../../src/jit/ir.js';
import type { Random } from '../../support/random.js';

type Late = IntReg | VecReg;

/**
 * Registers of a random kernel that have no value at first: they get one somewhere inside loops and branches, and are
 * read there, after the join, or in the next iteration. Orderly ones are read only where every way has written them.
 */
export class LateRegisters {
  private readonly k: KernelBuilder;
  private readonly random: Random;
  private readonly isCareless: boolean;
  private readonly registers: Late[];
  /** What every way to this place has written. */
  private written = new Set<Late>();
  /** What the text has written so far, on whatever way. */
  private readonly mentioned = new Set<Late>();

  constructor(k: KernelBuilder, random: Random, isCareless: boolean) {
    this.k = k;
    this.random = random;
    this.isCareless = isCareless;
    this.registers = [k.int(), k.vec(), k.vec()];
  }

  /** Writes, reads or renews one of them; `int` and `vec` are registers with a value. */
  touch(int: IntReg, vec: VecReg): void {
    const at = this.random.integer(0, this.registers.length - 1);
    const register = this.registers[at]!;
    const choice = this.random.integer(0, 6);
    if (choice === 0) {
      this.registers[at] = register.kind === 'int' ? this.k.int() : this.k.vec();
    } else if (choice < 4) {
      if (register.kind === 'int') this.k.intMove(register, int);
      else this.k.vecMove(register, vec);
      this.written.add(register);
      this.mentioned.add(register);
    } else if (this.mayRead(register)) {
      if (register.kind === 'int') this.k.intMove(int, register);
      else this.k.vecMove(vec, register);
    }
  }

  /** Inside a body that may run any number of times, or at least once. */
  repeat(runsAtLeastOnce: boolean, body: () => void): void {
    const before = new Set(this.written);
    body();
    if (!runsAtLeastOnce) this.written = before;
  }

  /** One after the other the two bodies of an `if`: `whenTrue()`, then `whenFalse()`, then `join()`. */
  branches(): { whenTrue: (body: () => void) => void; whenFalse: (body: () => void) => void; join(): void } {
    const before = this.written;
    const ends: Set<Late>[] = [];
    const arm = (body: () => void): void => {
      this.written = new Set(before);
      body();
      ends.push(this.written);
    };
    const join = (): void => {
      while (ends.length < 2) ends.push(before); // a body that is absent
      this.written = new Set([...ends[0]!].filter((register) => ends[1]!.has(register)));
    };
    return { whenTrue: arm, whenFalse: arm, join };
  }

  private mayRead(register: Late): boolean {
    if (this.written.has(register)) return true;
    return this.isCareless && (this.mentioned.has(register) || this.random.integer(0, 7) === 0);
  }
}

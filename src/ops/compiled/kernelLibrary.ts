import type { KernelSpec } from '../../kernels/kernel.js';
import type { Machine } from '../../runtime/machine.js';
import { nextTurn } from '../../runtime/nextTurn.js';

/** Kernels compiled between two visits to the event loop: a few milliseconds' work each until V8 has warmed up. */
const BATCH_SIZE = 3;

/** Kernels that a machine has compiled, by name; each is emitted once. */
export class KernelLibrary {
  private readonly machine: Machine;
  private readonly compiled = new Map<string, number>();

  constructor(machine: Machine) {
    this.machine = machine;
  }

  /**
   * Compiles what is missing and returns what the machine names each kernel by, in order. The event loop runs in
   * between. One call at a time.
   */
  async resolve(specs: readonly KernelSpec[]): Promise<number[]> {
    const missing = new Map<string, KernelSpec>();
    for (const spec of specs) if (!this.compiled.has(spec.name)) missing.set(spec.name, spec);
    const list = [...missing.values()];
    for (let start = 0; start < list.length; start += BATCH_SIZE) {
      if (start > 0) await nextTurn();
      this.compile(list.slice(start, start + BATCH_SIZE));
    }
    return specs.map((spec) => this.compiled.get(spec.name)!);
  }

  private compile(specs: readonly KernelSpec[]): void {
    const handles = this.machine.install(specs.map((spec) => spec.emit(this.machine.capabilities)));
    specs.forEach((spec, i) => {
      this.compiled.set(spec.name, handles[i]!);
    });
  }
}

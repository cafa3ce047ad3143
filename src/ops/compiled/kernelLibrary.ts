import type { KernelSpec } from '../../kernels/kernel.js';
import type { Machine } from '../../runtime/machine.js';

/** Kernels that a machine has compiled, by name; each is emitted once, in batches. */
export class KernelLibrary {
  private readonly machine: Machine;
  private readonly compiled = new Map<string, number>();

  constructor(machine: Machine) {
    this.machine = machine;
  }

  /** Compiles what is missing and returns what the machine names each kernel by, in order. */
  resolve(specs: readonly KernelSpec[]): number[] {
    const missing = new Map<string, KernelSpec>();
    for (const spec of specs) if (!this.compiled.has(spec.name)) missing.set(spec.name, spec);
    if (missing.size > 0) {
      const codes = [...missing.values()].map((spec) => spec.emit(this.machine.capabilities));
      const handles = this.machine.install(codes);
      [...missing.keys()].forEach((name, i) => {
        this.compiled.set(name, handles[i]!);
      });
    }
    return specs.map((spec) => this.compiled.get(spec.name)!);
  }
}

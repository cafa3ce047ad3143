import type { KernelCall } from '../../kernels/kernel.js';
import type { Arena, ArenaBlock } from '../../runtime/arena.js';
import type { Conductor } from '../../runtime/conductor.js';
import type { Machine } from '../../runtime/machine.js';
import { ENTRY } from '../../runtime/tapeLayout.js';
import type { KernelLibrary } from './compiledPass.js';

/** The parts of a compiled backend that a measurement runs on. */
export interface CeilingBench {
  readonly machine: Machine;
  readonly arena: Arena;
  readonly conductor: Conductor;
  readonly library: KernelLibrary;
}

/** A kernel of fixed work on all participants, timed as often as wanted. */
export class FixedWork {
  readonly #conductor: Conductor;
  readonly #arena: Arena;
  readonly #blocks: readonly ArenaBlock[];
  readonly #tape: ReturnType<Conductor['writeTape']>;
  readonly #work: number;
  #best = 0;

  /** @param kernel as the machine names it @param work of the whole call: operations or bytes */
  constructor(
    { arena, conductor }: CeilingBench,
    { slots, tiles }: KernelCall,
    kernel: number,
    work: number,
  ) {
    const args = arena.allocate(8 * slots.length);
    const tape = arena.allocate(ENTRY.byteLength);
    new BigInt64Array(args.buffer, args.bufferOffset, slots.length).set(slots.map(BigInt));
    this.#conductor = conductor;
    this.#arena = arena;
    this.#blocks = [args, tape];
    this.#tape = conductor.writeTape(tape, [[{ kernel, args: args.address, tiles }]]);
    this.#work = work;
  }

  /** Compiles the kernel of a call. */
  static async of(bench: CeilingBench, call: KernelCall, work: number): Promise<FixedWork> {
    const [kernel] = (await bench.library.resolve([call.kernel])) as [number];
    return new FixedWork(bench, call, kernel, work);
  }

  /** The highest rate so far: work a second. */
  get best(): number {
    return this.#best;
  }

  async run(): Promise<void> {
    const startMs = performance.now();
    await this.#conductor.run(this.#tape);
    this.#best = Math.max(this.#best, (1000 * this.#work) / (performance.now() - startMs));
  }

  release(): void {
    for (const block of this.#blocks) this.#arena.release(block);
  }
}

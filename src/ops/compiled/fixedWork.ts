import { CEILING_SLOTS } from '../../kernels/ceilings.js';
import type { Arena, Block } from '../../runtime/arena.js';
import type { Conductor } from '../../runtime/conductor.js';
import type { Machine } from '../../runtime/machine.js';
import { ENTRY } from '../../runtime/tapeLayout.js';
import type { KernelLibrary } from './kernelLibrary.js';

/** The parts of a compiled backend that a measurement runs on. */
export interface CeilingBench {
  readonly machine: Machine;
  readonly arena: Arena;
  readonly conductor: Conductor;
  readonly library: KernelLibrary;
}

/** What is timed. */
export interface FixedWorkPlan {
  /** As the machine names it; takes CEILING_SLOTS. */
  readonly kernel: number;
  readonly memory: { readonly address: number; readonly bytesPerTile: number };
  readonly tiles: number;
  /** Of each tile. */
  readonly repetitions: number;
  /** Of one repetition of a tile: operations or bytes. */
  readonly work: number;
}

/** A kernel of fixed work on all participants, timed as often as wanted. */
export class FixedWork {
  readonly #conductor: Conductor;
  readonly #arena: Arena;
  readonly #blocks: readonly Block[];
  readonly #tape: ReturnType<Conductor['writeTape']>;
  readonly #work: number;
  #best = 0;

  constructor({ arena, conductor }: CeilingBench, plan: FixedWorkPlan) {
    const { kernel, memory, tiles, repetitions, work } = plan;
    const args = arena.allocate(64);
    const tape = arena.allocate(ENTRY.byteLength);
    const slots = new BigInt64Array(args.buffer, args.bufferOffset, 3);
    slots[CEILING_SLOTS.memory] = BigInt(memory.address);
    slots[CEILING_SLOTS.bytesPerTile] = BigInt(memory.bytesPerTile);
    slots[CEILING_SLOTS.repetitions] = BigInt(repetitions);
    this.#conductor = conductor;
    this.#arena = arena;
    this.#blocks = [args, tape];
    this.#tape = conductor.writeTape(tape, [{ kernel, args: args.address, tiles, barrier: true }]);
    this.#work = work * repetitions * tiles;
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

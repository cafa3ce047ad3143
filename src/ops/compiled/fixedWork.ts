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

/** Between two looks at how far calls are. */
const MEANWHILE_MS = 1;

/**
 * Runs calls that touch nothing of each other, once.
 *
 * @param meanwhile is told on this thread, while they run, how many of their tiles are done
 * @throws QwenAsrError `aborted`
 */
export async function runAtOnce(
  { arena, conductor, library }: CeilingBench,
  calls: readonly KernelCall[],
  {
    signal,
    meanwhile,
  }: { readonly signal: AbortSignal | undefined; readonly meanwhile: (tiles: number) => void },
): Promise<void> {
  const kernels = await library.resolve(calls.map(({ kernel }) => kernel));
  const slots = calls.map((call) => call.slots.length);
  const args = arena.allocate(8 * slots.reduce((sum, count) => sum + count, 0));
  const region = arena.allocate(calls.length * ENTRY.byteLength);
  let timer: ReturnType<typeof setInterval> | undefined;
  try {
    let offset = 0;
    const entries = calls.map((call, i) => {
      const values = new BigInt64Array(args.buffer, args.bufferOffset + offset, call.slots.length);
      values.set(call.slots.map(BigInt));
      const entry = { kernel: kernels[i]!, args: args.address + offset, tiles: call.tiles };
      offset += 8 * call.slots.length;
      return entry;
    });
    const running = conductor.run(conductor.writeTape(region, [entries]), signal);
    timer = setInterval(() => meanwhile(conductor.completedTiles), MEANWHILE_MS);
    await running;
  } finally {
    clearInterval(timer);
    arena.release(args);
    arena.release(region);
  }
}

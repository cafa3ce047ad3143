import { CEILING_SLOTS, type CeilingKind, ceiling, ceilingWork } from '../../kernels/ceilings.js';
import type { Arena, Block } from '../../runtime/arena.js';
import type { Conductor } from '../../runtime/conductor.js';
import type { Machine } from '../../runtime/machine.js';
import { ENTRY } from '../../runtime/walker.js';
import type { Ceilings } from '../operators.js';
import type { KernelLibrary } from './kernelLibrary.js';

/** Read once a repetition: far more than the caches of a core hold, and than most shared ones. */
const MEMORY_BYTES = 512 * 2 ** 20;

/** Bytes of a tile: a participant's stream is cut so that unequal cores finish together. */
const READ_TILE_BYTES = 16 * 2 ** 20;

/** Repetitions of a compute tile: about a millisecond; tiles a participant. */
const COMPUTE_REPETITIONS = 100_000;
const COMPUTE_TILES = 8;

const ROUNDS = 7;

/** The parts of a compiled backend that a measurement runs on. */
export interface CeilingBench {
  readonly machine: Machine;
  readonly arena: Arena;
  readonly conductor: Conductor;
  readonly library: KernelLibrary;
}

/**
 * What this machine's participants reach together when nothing else limits them; the median of 7 rounds, in which all
 * kinds take turns. Needs 512 MB of memory while it runs.
 */
export async function measureCeilings(bench: CeilingBench): Promise<Ceilings> {
  const { capabilities } = bench.machine;
  const kinds: CeilingKind[] = ['read', 'f32'];
  if (capabilities.pairDot) kinds.push('bf16');
  if (capabilities.byteDot) kinds.push('int8');
  const memory = bench.arena.allocate(MEMORY_BYTES);
  const blocks: Block[] = [memory];
  try {
    // Untouched memory is one shared page of zeros; it must be real before it is read.
    await (await prepare(bench, 'write', memory, blocks))();
    const runs: { kind: CeilingKind; run: () => Promise<number>; rates: number[] }[] = [];
    for (const kind of kinds) {
      runs.push({ kind, run: await prepare(bench, kind, memory, blocks), rates: [] });
    }
    for (let round = 0; round < ROUNDS; round++) {
      for (const { run, rates } of runs) rates.push(await run());
    }
    const median = (kind: CeilingKind): number | null => {
      const rates = runs.find((one) => one.kind === kind)?.rates;
      return rates === undefined ? null : [...rates].sort((a, b) => a - b)[ROUNDS >> 1]!;
    };
    return {
      readBytesPerSecond: median('read')!,
      f32FlopsPerSecond: median('f32')!,
      bf16FlopsPerSecond: median('bf16'),
      int8OpsPerSecond: median('int8'),
    };
  } finally {
    for (const block of blocks) bench.arena.release(block);
  }
}

/** A run of one kind. @returns its rate: work a second */
async function prepare(
  bench: CeilingBench,
  kind: CeilingKind,
  memory: Block,
  blocks: Block[],
): Promise<() => Promise<number>> {
  const { machine, arena, conductor, library } = bench;
  const moves = kind === 'read' || kind === 'write';
  const tiles = moves ? MEMORY_BYTES / READ_TILE_BYTES : COMPUTE_TILES * machine.threadCount;
  const repetitions = moves ? 1 : COMPUTE_REPETITIONS;
  const args = arena.allocate(64);
  const tapeBlock = arena.allocate(ENTRY.byteLength);
  blocks.push(args, tapeBlock);
  const slots = new BigInt64Array(args.buffer, args.bufferOffset, 3);
  slots[CEILING_SLOTS.memory] = BigInt(memory.address);
  slots[CEILING_SLOTS.bytesPerTile] = BigInt(READ_TILE_BYTES);
  slots[CEILING_SLOTS.repetitions] = BigInt(repetitions);
  const [kernel] = (await library.resolve([ceiling(kind)])) as [number];
  const tape = conductor.writeTape(tapeBlock, [{ kernel, args: args.address, tiles, barrier: true }]);
  const work = ceilingWork(kind, machine.capabilities, READ_TILE_BYTES) * repetitions * tiles;
  return async () => {
    const startMs = performance.now();
    await conductor.run(tape);
    return (work / (performance.now() - startMs)) * 1000;
  };
}

import {
  type CeilingKind,
  ceiling,
  ceilingWork,
  READ_PATTERNS,
  readCeiling,
  writeCeiling,
} from '../../kernels/ceilings.js';
import type { Memory } from '../../kernels/kernel.js';
import type { Ceilings } from '../operators.js';
import { type CeilingBench, FixedWork } from './fixedWork.js';

/** Read once a repetition: far more than the caches of a core hold, and than most shared ones. */
const MEMORY_BYTES = 512 * 2 ** 20;

/** A weight that is smaller may stay in a shared cache, and says nothing of memory. */
const LEAST_WEIGHT_BYTES = 128 * 2 ** 20;

/** Bytes of a tile: a participant's stream is cut so that unequal cores finish together. A multiple of every step. */
const READ_TILE_BYTES = 2 * 2 ** 20;

/** Repetitions of a compute tile: about a millisecond; tiles a participant. */
const COMPUTE_REPETITIONS = 100_000;
const COMPUTE_TILES = 8;

const ROUNDS = 7;

/** Ways to read that are tried again, of all that were tried once. */
const FINALISTS = 3;

/** What measureCeilings needs beside the machine. */
export interface CeilingSource extends CeilingBench {
  /** The largest matrix that kernels read where it lies; null when there is none. */
  readonly largestWeight: Memory | null;
}

/**
 * What this machine's participants reach together when nothing else limits them: the best of 7 rounds, in which all
 * kinds take turns. Reading is the best of several patterns, over memory in large pages and over the model's own largest
 * weight, which is mapped as all others are: no phase reads faster. Needs 512 MB of memory while it runs.
 */
export async function measureCeilings(bench: CeilingSource): Promise<Ceilings> {
  const { machine, arena } = bench;
  const { capabilities } = machine;
  const kinds: CeilingKind[] = capabilities.pairDot ? ['f32', 'bf16', 'int8'] : ['f32', 'int8'];
  const large = machine.reserveLarge?.(MEMORY_BYTES);
  const block = large === undefined ? arena.allocate(MEMORY_BYTES) : undefined;
  const memory: Memory = large ?? block!;
  const works: FixedWork[] = [];
  const prepare = (work: FixedWork): FixedWork => {
    works.push(work);
    return work;
  };
  try {
    // Untouched memory is one shared page of zeros; it must be real before it is read.
    await prepare(await passage(bench, writeCeiling(READ_TILE_BYTES), memory)).run();
    const reads: FixedWork[] = [];
    for (const stretch of stretches(memory, bench.largestWeight)) {
      for (const pattern of READ_PATTERNS)
        reads.push(
          prepare(await passage(bench, readCeiling({ ...pattern, bytesPerTile: READ_TILE_BYTES }), stretch)),
        );
    }
    const computes: FixedWork[] = [];
    for (const kind of kinds) computes.push(prepare(await arithmetic(bench, kind)));
    for (const read of reads) await read.run();
    const finalists = reads.toSorted((a, b) => b.best - a.best).slice(0, FINALISTS);
    for (let round = 0; round < ROUNDS; round++) {
      for (const work of [...finalists, ...computes]) await work.run();
    }
    const bestOf = (kind: CeilingKind): number | null => computes[kinds.indexOf(kind)]?.best ?? null;
    return {
      readBytesPerSecond: Math.max(...reads.map(({ best }) => best)),
      f32FlopsPerSecond: bestOf('f32') ?? 0,
      bf16FlopsPerSecond: bestOf('bf16'),
      int8OpsPerSecond: bestOf('int8'),
      datapathBits: machine.datapathBits,
      tuning: Object.entries(capabilities.tuning)
        .map((pair) => pair.join('='))
        .join(','),
    };
  } finally {
    for (const work of works) work.release();
    if (large !== undefined) machine.release(large);
    if (block !== undefined) arena.release(block);
  }
}

/** Memory to read, each stretch from a cache line on. */
function stretches(memory: Memory, weight: Memory | null): Memory[] {
  if (weight === null || weight.byteLength < LEAST_WEIGHT_BYTES) return [memory];
  const address = Math.ceil(weight.address / 64) * 64;
  return [memory, { address, byteLength: weight.byteLength - (address - weight.address) }];
}

/** Reads or writes a stretch of memory from end to end. */
function passage(
  bench: CeilingSource,
  kernel: ReturnType<typeof readCeiling | typeof writeCeiling>,
  memory: Memory,
): Promise<FixedWork> {
  const tiles = Math.floor(memory.byteLength / READ_TILE_BYTES);
  const call = kernel.call({ memory, repetitions: 1, tiles });
  return FixedWork.of(bench, call, READ_TILE_BYTES * tiles);
}

function arithmetic(bench: CeilingSource, kind: CeilingKind): Promise<FixedWork> {
  const tiles = COMPUTE_TILES * bench.machine.threadCount;
  const repetitions = COMPUTE_REPETITIONS;
  const call = ceiling(kind).call({ repetitions, tiles });
  return FixedWork.of(bench, call, ceilingWork(kind, bench.machine.capabilities) * repetitions * tiles);
}

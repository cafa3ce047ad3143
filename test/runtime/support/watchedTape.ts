import { KernelBuilder } from '../../../src/jit/builder.js';
import type { Capabilities, KernelCode } from '../../../src/jit/ir.js';
import type { Conductor, Tape, TapeEntry } from '../../../src/runtime/conductor.js';
import type { Machine, Region } from '../../../src/runtime/machine.js';
import { ENTRY } from '../../../src/runtime/tapeLayout.js';
import type { Random } from '../../support/random.js';

/** Most tiles of an entry. */
const MAX_TILES = 40;

/** One i32 a cache line. */
const LINE_BYTES = 64;

const SLOTS = { done: 0, marks: 1, before: 2, beforeCount: 3, errors: 4, spins: 5 } as const;
const SLOT_BYTES = 64;

/** An entry that must be finished, as the kernel reads it. */
const BEFORE = { done: 0, tiles: 8, byteLength: 16 } as const;

/** What a random tape looks like. */
interface WatchedEntry {
  readonly tiles: number;
  /** It waits for all entries before it; else only for those that its predecessor waits for. */
  readonly startsGroup: boolean;
  /** Entries before this one that must be finished when it starts. */
  readonly waitsFor: number;
}

/**
 * A tape whose kernels look at each other: each tile checks that everything its entry must wait for is finished, that
 * nobody else uses its scratch memory, and leaves a mark.
 */
export class WatchedTape {
  readonly tape: Tape;
  private readonly entries: readonly WatchedEntry[];
  private readonly region: Region;
  private readonly words: Int32Array;

  constructor(machine: Machine, conductor: Conductor, random: Random, entryCount: number) {
    this.entries = randomEntries(random, entryCount);
    const [kernel] = machine.install([watchKernel(machine.capabilities)]) as [number];
    const done = LINE_BYTES; // behind the count of errors
    const marks = done + entryCount * LINE_BYTES;
    const args = marks + entryCount * MAX_TILES * 4;
    const before = args + entryCount * SLOT_BYTES;
    this.region = machine.reserve(before + entryCount * BEFORE.byteLength + LINE_BYTES);
    const { address, buffer, bufferOffset } = this.region;
    this.words = new Int32Array(buffer, bufferOffset, this.region.byteLength >> 2);
    const slots = new BigInt64Array(buffer, bufferOffset, this.region.byteLength >> 3);
    const put = (offset: number, value: number): void => {
      slots[offset >> 3] = BigInt(value);
    };
    const groups: TapeEntry[][] = [[]];
    this.entries.forEach(({ tiles, startsGroup, waitsFor }, i) => {
      put(before + i * BEFORE.byteLength + BEFORE.done, address + done + i * LINE_BYTES);
      put(before + i * BEFORE.byteLength + BEFORE.tiles, tiles);
      const own = args + i * SLOT_BYTES;
      put(own + 8 * SLOTS.done, address + done + i * LINE_BYTES);
      put(own + 8 * SLOTS.marks, address + marks + i * MAX_TILES * 4);
      put(own + 8 * SLOTS.before, address + before);
      put(own + 8 * SLOTS.beforeCount, waitsFor);
      put(own + 8 * SLOTS.errors, address);
      put(own + 8 * SLOTS.spins, random.integer(0, 300));
      if (startsGroup) groups.push([]);
      groups.at(-1)!.push({ kernel, args: address + own, tiles });
    });
    this.tape = conductor.writeTape(machine.reserve(entryCount * ENTRY.byteLength), groups);
  }

  /** Forgets the last pass. */
  reset(): void {
    this.words.fill(0, 0, (LINE_BYTES + this.entries.length * (LINE_BYTES + MAX_TILES * 4)) >> 2);
  }

  /** Tiles that started too early, or whose scratch memory somebody else used. */
  get errors(): number {
    return this.words[0]!;
  }

  /** How often each tile ran, entry after entry. */
  get marks(): number[] {
    const first = (LINE_BYTES + this.entries.length * LINE_BYTES) >> 2;
    return this.entries.flatMap(({ tiles }, i) => {
      const start = first + i * MAX_TILES;
      return [...this.words.subarray(start, start + tiles)];
    });
  }
}

function randomEntries(random: Random, count: number): WatchedEntry[] {
  let waitsFor = 0;
  return Array.from({ length: count }, (_, i) => {
    const startsGroup = random.uniform() < 0.6;
    if (startsGroup) waitsFor = i;
    return { tiles: random.integer(0, 3) === 0 ? 1 : random.integer(0, MAX_TILES), startsGroup, waitsFor };
  });
}

/** kernel(args, tile, scratch). */
function watchKernel(capabilities: Capabilities): KernelCode {
  const k = new KernelBuilder('watch', capabilities);
  const [args, tile, scratch] = [k.param(), k.param(), k.param()];
  const slot = (index: number) => k.intLoad(k.at(args, 8 * index), 'pointer');
  const errors = slot(SLOTS.errors);
  const before = slot(SLOTS.before);
  k.loop(slot(SLOTS.beforeCount), () => {
    const finished = k.atomicLoad(k.at(k.intLoad(k.at(before, BEFORE.done), 'pointer')));
    const tiles = k.intLoad(k.at(before, BEFORE.tiles), 'pointer');
    k.if('ne', finished, tiles, () => void k.atomicAdd(k.at(errors), 1));
    k.advance(before, BEFORE.byteLength);
  });
  const mine = k.intOp('add', args, tile); // another value in every tile
  k.intStore(k.at(scratch), mine, 'pointer');
  k.loop(slot(SLOTS.spins), () => k.pause());
  const found = k.intLoad(k.at(scratch), 'pointer');
  k.if('ne', found, mine, () => void k.atomicAdd(k.at(errors), 1));
  const marks = slot(SLOTS.marks);
  const at = k.intOp('shiftLeft', tile, 2);
  k.atomicAdd(k.at(marks, 0, at), 1);
  k.atomicAdd(k.at(slot(SLOTS.done)), 1);
  return k.finish();
}

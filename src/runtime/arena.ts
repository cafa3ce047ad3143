import { QwenAsrError } from '../error.js';
import type { Machine, Region } from './machine.js';

/** Blocks start on cache lines, with a spare line behind: kernels may read (never use) up to one vector past an end. */
const LINE_BYTES = 64;

/** Part of an arena. Its memory is not cleared. */
export interface ArenaBlock extends Region {
  readonly region: Region;
}

interface FreeRange {
  offset: number;
  byteLength: number;
  /** About so many of its bytes still occupy memory: they were in blocks and have not been discarded. */
  keptBytes: number;
}

/**
 * The memory of all activations, caches and tapes of one model: large regions cut into blocks, first fit, neighbours
 * merged when freed. Freed blocks keep their memory for the next clip, `keepBytes` in all; what is freed beyond that is
 * given back to the system at once.
 */
export class Arena {
  private readonly machine: Machine;
  private readonly regionBytes: number;
  private readonly keepBytes: number;
  private readonly regions = new Map<Region, FreeRange[]>();
  private used = 0;
  private kept = 0;

  constructor(machine: Machine, options: { regionBytes: number; keepBytes: number }) {
    this.machine = machine;
    this.regionBytes = options.regionBytes;
    this.keepBytes = options.keepBytes;
  }

  /** Bytes in blocks. */
  get usedBytes(): number {
    return this.used;
  }

  /** @throws QwenAsrError `memory` when the machine has none left. */
  allocate(byteLength: number): ArenaBlock {
    const size = (Math.ceil(byteLength / LINE_BYTES) + 1) * LINE_BYTES;
    for (const [region, free] of this.regions) {
      const index = free.findIndex((range) => range.byteLength >= size);
      if (index >= 0) return this.cut(region, free, index, size);
    }
    this.returnFreeRegions(); // of a machine whose regions lie side by side they may be the room for this one
    const region = this.reserve(size);
    const free = [{ offset: 0, byteLength: region.byteLength, keptBytes: 0 }];
    this.regions.set(region, free);
    return this.cut(region, free, 0, size);
  }

  /** Every block is released once. */
  release({ region, address, byteLength }: ArenaBlock): void {
    const free = this.regions.get(region);
    if (free === undefined) throw new QwenAsrError('internal', 'a block was freed in another arena');
    const offset = address - region.address;
    const keeps = this.kept + byteLength <= this.keepBytes;
    if (!keeps) this.machine.discard(region, offset, byteLength);
    const keptBytes = keeps ? byteLength : 0;
    const index = free.findIndex((range) => range.offset > offset);
    free.splice(index < 0 ? free.length : index, 0, { offset, byteLength, keptBytes });
    mergeNeighbours(free);
    this.kept += keptBytes;
    this.used -= byteLength;
  }

  private returnFreeRegions(): void {
    for (const [region, [range]] of this.regions) {
      if (range?.byteLength !== region.byteLength) continue;
      this.kept -= range.keptBytes;
      this.regions.delete(region);
      this.machine.release(region);
    }
  }

  /** A new region of the usual size, or, where a limit on address space forbids that, a smaller one. */
  private reserve(leastBytes: number): Region {
    for (let byteLength = Math.max(this.regionBytes, leastBytes); ; ) {
      try {
        return this.machine.reserve(byteLength);
      } catch (error) {
        if (byteLength === leastBytes) throw error;
        byteLength = Math.max(leastBytes, Math.floor(byteLength / 2 / LINE_BYTES) * LINE_BYTES);
      }
    }
  }

  private cut(region: Region, free: FreeRange[], index: number, size: number): ArenaBlock {
    const range = free[index]!;
    const block = {
      region,
      address: region.address + range.offset,
      byteLength: size,
      bufferOffset: region.bufferOffset + range.offset,
      buffer: region.buffer,
    };
    range.offset += size;
    range.byteLength -= size;
    // First fit: the front of a range is what was used before.
    const keptBytes = Math.max(0, range.keptBytes - size);
    this.kept -= range.keptBytes - keptBytes;
    range.keptBytes = keptBytes;
    if (range.byteLength === 0) free.splice(index, 1);
    this.used += size;
    return block;
  }
}

function mergeNeighbours(free: FreeRange[]): void {
  for (let i = free.length - 1; i > 0; i--) {
    const [before, after] = [free[i - 1]!, free[i]!];
    if (before.offset + before.byteLength !== after.offset) continue;
    before.byteLength += after.byteLength;
    before.keptBytes += after.keptBytes;
    free.splice(i, 1);
  }
}

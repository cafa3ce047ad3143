import { QwenAsrError } from '../error.js';
import type { Machine, Region } from './machine.js';

/** Blocks start on cache lines, with a spare line behind: kernels may read (never use) up to one vector past an end. */
const LINE_BYTES = 64;

/** Part of an arena. Its memory is not cleared. */
export interface Block extends Region {
  readonly region: Region;
}

interface FreeRange {
  offset: number;
  byteLength: number;
}

/**
 * The memory of all activations, caches and tapes of one model: large regions cut into blocks, first fit, neighbours
 * merged when freed. Freed blocks stay mapped for the next clip, up to `keepBytes`.
 */
export class Arena {
  private readonly machine: Machine;
  private readonly regionBytes: number;
  private readonly keepBytes: number;
  private readonly regions = new Map<Region, FreeRange[]>();
  private used = 0;

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
  allocate(byteLength: number): Block {
    const size = (Math.ceil(byteLength / LINE_BYTES) + 1) * LINE_BYTES;
    for (const [region, free] of this.regions) {
      const index = free.findIndex((range) => range.byteLength >= size);
      if (index >= 0) return this.cut(region, free, index, size);
    }
    const region = this.machine.reserve(Math.max(this.regionBytes, size));
    const free = [{ offset: 0, byteLength: region.byteLength }];
    this.regions.set(region, free);
    return this.cut(region, free, 0, size);
  }

  release(block: Block): void {
    const { region } = block;
    const free = this.regions.get(region);
    if (free === undefined) throw new QwenAsrError('internal', 'a block was freed after its arena');
    const offset = block.address - region.address;
    const index = free.findIndex((range) => range.offset > offset);
    free.splice(index < 0 ? free.length : index, 0, { offset, byteLength: block.byteLength });
    mergeNeighbours(free);
    this.used -= block.byteLength;
    if (this.used < this.keepBytes && block.byteLength > this.keepBytes) {
      this.machine.discard(region, offset, block.byteLength);
    }
  }

  private cut(region: Region, free: FreeRange[], index: number, size: number): Block {
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
    free.splice(i, 1);
  }
}

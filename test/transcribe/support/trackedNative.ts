import assert from 'node:assert/strict';
import { QwenAsrError } from '../../../src/error.js';
import type { Native } from '../../../src/runtime/system/native.js';

/** How often the system says yes. */
export interface NativeLimits {
  readonly reservations?: number;
  readonly threads?: number;
}

/** The system calls, with a count of what they have given and not got back, and with limits. */
export class TrackedNative {
  readonly native: Native;
  private readonly mappings = new Map<number, number>();
  private readonly threads = new Set<number>();

  constructor(system: Native, limits: NativeLimits = {}) {
    let { reservations = Number.POSITIVE_INFINITY, threads = Number.POSITIVE_INFINITY } = limits;
    this.native = {
      ...system,
      reserve: (byteLength) => {
        if (reservations-- <= 0) throw new QwenAsrError('memory', 'the system refused memory');
        const address = system.reserve(byteLength);
        this.mappings.set(address, byteLength);
        return address;
      },
      release: (address, byteLength) => {
        assert.equal(this.mappings.get(address), byteLength, 'released what was not reserved');
        this.mappings.delete(address);
        system.release(address, byteLength);
      },
      startThread: (entry, argument, leave) => {
        if (threads-- <= 0) return 'the system refuses more (EAGAIN)';
        const handle = system.startThread(entry, argument, leave);
        if (typeof handle === 'number') this.threads.add(handle);
        return handle;
      },
      joinThread: (handle) => {
        system.joinThread(handle);
        assert.ok(this.threads.delete(handle), 'joined what was not started');
      },
    };
  }

  assertNothingHeld(): void {
    assert.deepEqual([...this.mappings], [], 'mappings');
    assert.equal(this.threads.size, 0, 'threads');
  }
}

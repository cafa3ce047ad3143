import { KernelBuilder } from '../jit/builder.js';
import type { Capabilities, IntReg, KernelCode } from '../jit/ir.js';

/*
 * The tape and the code that walks it.
 *
 * A tape is an array of entries, each a kernel call repeated over tiles. All participants walk all entries in order and
 * claim tiles with an atomic counter, so any number of participants, unequal cores and late sleepers are fine. An entry
 * starts when `completed`, the count of finished tiles of the whole pass, has reached what it requires; entries that do
 * not depend on each other require the same count, and so overlap.
 */

/** One entry; the counter has a cache line of its own. */
export const ENTRY = { kernel: 0, args: 8, tiles: 16, requires: 24, claimed: 64, byteLength: 128 } as const;

/** Shared state of the participants; words written in a pass have cache lines of their own. */
export const CONTROL = {
  /** Changes when a pass begins (or the workers shall leave); workers sleep on it. */
  epoch: 0,
  /** 1 when workers shall leave. */
  exit: 4,
  /** 1 when the pass can no longer be joined. */
  closed: 8,
  /** 1 when the remaining tiles shall be skipped. */
  abort: 12,
  tape: 16,
  entryCount: 24,
  /** Workers inside the pass. */
  inside: 64,
  /** Tiles finished in this pass. */
  completed: 128,
  byteLength: 192,
} as const;

/** What a worker is started with. */
export const SELF = { control: 0, scratch: 8, walker: 16, byteLength: 64 } as const;

/** Polls of `completed` before a waiting participant offers its core to others: a few microseconds. */
const SPINS_BEFORE_YIELD = 2000;

/** walker(control, scratch): walks the tape once. */
export function walkerKernel(capabilities: Capabilities): KernelCode {
  const k = new KernelBuilder('walker', capabilities);
  const control = k.param();
  const scratch = k.param();
  const entry = k.intLoad(k.at(control, CONTROL.tape), 'pointer');
  const count = k.intLoad(k.at(control, CONTROL.entryCount), 'pointer');
  k.loop(count, () => {
    waitForPredecessors(k, control, entry);
    const tiles = k.intLoad(k.at(entry, ENTRY.tiles), 'pointer');
    const args = k.intLoad(k.at(entry, ENTRY.args), 'pointer');
    const kernel = k.intLoad(k.at(entry, ENTRY.kernel), 'pointer');
    const tile = k.atomicAdd(k.at(entry, ENTRY.claimed), 1);
    k.while('lt', tile, tiles, () => {
      const abort = k.atomicLoad(k.at(control, CONTROL.abort));
      k.if('eq', abort, 0, () => k.call(kernel, [args, tile, scratch]));
      k.atomicAdd(k.at(control, CONTROL.completed), 1);
      k.atomicAdd(k.at(entry, ENTRY.claimed), 1, tile);
    });
    k.advance(entry, ENTRY.byteLength);
  });
  return k.finish();
}

function waitForPredecessors(k: KernelBuilder, control: IntReg, entry: IntReg): void {
  const requires = k.intLoad(k.at(entry, ENTRY.requires), 'pointer');
  const completed = k.atomicLoad(k.at(control, CONTROL.completed));
  const spins = k.intConst(0);
  k.while('lt', completed, requires, () => {
    k.pause();
    k.advance(spins, 1);
    k.if('gt', spins, SPINS_BEFORE_YIELD, () => k.yieldCpu());
    k.atomicLoad(k.at(control, CONTROL.completed), completed);
  });
}

/** pass(control, scratch, walker): the first participant. Walks, then closes the pass and sees the others out. */
export function passKernel(capabilities: Capabilities): KernelCode {
  const k = new KernelBuilder('pass', capabilities);
  const control = k.param();
  const scratch = k.param();
  const walker = k.param();
  k.call(walker, [control, scratch]);
  k.atomicStore(k.at(control, CONTROL.closed), 1);
  const inside = k.atomicLoad(k.at(control, CONTROL.inside));
  const spins = k.intConst(0);
  k.while('ne', inside, 0, () => {
    k.pause();
    k.advance(spins, 1);
    k.if('gt', spins, SPINS_BEFORE_YIELD, () => k.yieldCpu());
    k.atomicLoad(k.at(control, CONTROL.inside), inside);
  });
  return k.finish();
}

/**
 * join(self): takes part in the current pass unless it is closed already. Entering before looking at `closed` makes it
 * safe: the first participant closes first and then waits until nobody is inside.
 */
export function joinKernel(capabilities: Capabilities): KernelCode {
  const k = new KernelBuilder('join', capabilities);
  emitJoin(k, loadSelf(k, k.param()));
  return k.finish();
}

/** worker(self): sleeps until the epoch changes, joins the pass, and sleeps again, until `exit` is set. */
export function workerKernel(capabilities: Capabilities): KernelCode {
  const k = new KernelBuilder('worker', capabilities);
  const self = loadSelf(k, k.param());
  const { control } = self;
  const seen = k.intConst(0);
  const exit = k.intConst(0);
  k.while('eq', exit, 0, () => {
    k.waitWhile(k.at(control, CONTROL.epoch), seen);
    k.atomicLoad(k.at(control, CONTROL.epoch), seen);
    k.atomicLoad(k.at(control, CONTROL.exit), exit);
    k.if('eq', exit, 0, () => emitJoin(k, self));
  });
  return k.finish();
}

/** leave(self): makes every worker of the block return that is not in a pass. */
export function leaveKernel(capabilities: Capabilities): KernelCode {
  const k = new KernelBuilder('leave', capabilities);
  const { control } = loadSelf(k, k.param());
  k.atomicStore(k.at(control, CONTROL.exit), 1);
  k.atomicAdd(k.at(control, CONTROL.epoch), 1);
  k.wakeAll(k.at(control, CONTROL.epoch));
  return k.finish();
}

interface Self {
  readonly control: IntReg;
  readonly scratch: IntReg;
  readonly walker: IntReg;
}

function loadSelf(k: KernelBuilder, self: IntReg): Self {
  return {
    control: k.intLoad(k.at(self, SELF.control), 'pointer'),
    scratch: k.intLoad(k.at(self, SELF.scratch), 'pointer'),
    walker: k.intLoad(k.at(self, SELF.walker), 'pointer'),
  };
}

function emitJoin(k: KernelBuilder, { control, scratch, walker }: Self): void {
  k.atomicAdd(k.at(control, CONTROL.inside), 1);
  const closed = k.atomicLoad(k.at(control, CONTROL.closed));
  k.if('eq', closed, 0, () => k.call(walker, [control, scratch]));
  k.atomicAdd(k.at(control, CONTROL.inside), -1);
}

import { KernelBuilder } from '../jit/builder.js';
import type { Address, Capabilities, CompareKind, IntReg, KernelCode } from '../jit/ir.js';
import { CLOCK_MASK, CONTROL, ENTRY, SELF, UNKNOWN_TICKS } from './tapeLayout.js';

/**
 * How long a participant polls before it sleeps: 50 to 130 µs, a few times what falling asleep and being woken take.
 * Shorter, and the ends of operators cost a system call; longer, and a core is kept from whoever could finish.
 */
const SPIN_TICKS = 256;

/** `fastest` counts 16ths of ticks. */
const TILE_TICK_SHIFT = 4;

/** A window of measuring, for `adaptKernel`: 13 to 33 ms, several of the scheduler's time slices. */
const WINDOW_TICKS = 65536;

/**
 * walker(self): walks the tape once, or until its participant is no longer wanted.
 *
 * The first participant measures on the way what all are worth together: the time that a group took, and the time that
 * it would take one participant. That is its tiles, each as long as in the best case that any participant has seen in
 * any pass over this tape, so that participants which lost their core in the middle of a tile do not count.
 */
export function walkerKernel(capabilities: Capabilities): KernelCode {
  const k = new KernelBuilder('walker', capabilities);
  const self = k.param();
  const control = k.intLoad(k.at(self, SELF.control), 'pointer');
  const entry = k.intLoad(k.at(control, CONTROL.tape), 'pointer');
  const count = k.intLoad(k.at(control, CONTROL.entryCount), 'pointer');
  const reached = k.intConst(0); // what the current group requires
  beginGroup(k, self, k.clock());
  k.while('gt', count, 0, () => {
    const index = k.intLoad(k.at(self, SELF.index), 'pointer');
    const wanted = k.atomicLoad(k.at(control, CONTROL.wanted));
    k.if(
      'ge',
      index,
      wanted,
      () => void k.intConst(0, count),
      () => {
        const requires = k.intLoad(k.at(entry, ENTRY.requires), 'pointer');
        k.if('gt', requires, reached, () => {
          endGroup(k, self, control, entry, requires);
          k.intMove(reached, requires);
        });
        claimTiles(k, self, control, entry);
        k.advance(entry, ENTRY.byteLength);
        k.advance(count, -1);
      },
    );
  });
  return k.finish();
}

function claimTiles(k: KernelBuilder, self: IntReg, control: IntReg, entry: IntReg): void {
  const tiles = k.intLoad(k.at(entry, ENTRY.tiles), 'pointer');
  const args = k.intLoad(k.at(entry, ENTRY.args), 'pointer');
  const kernel = k.intLoad(k.at(entry, ENTRY.kernel), 'pointer');
  const scratch = k.intLoad(k.at(self, SELF.scratch), 'pointer');
  const own = k.intLoad(k.at(self, SELF.ownTiles), 'i32');
  const tile = k.atomicAdd(k.at(entry, ENTRY.claimed), 1);
  k.while('lt', tile, tiles, () => {
    const abort = k.atomicLoad(k.at(control, CONTROL.abort));
    k.if('eq', abort, 0, () => k.call(kernel, [args, tile, scratch]));
    k.advance(own, 1);
    const completed = k.atomicAdd(k.at(control, CONTROL.completed), 1);
    const last = k.intLoad(k.at(entry, ENTRY.last), 'pointer');
    k.if('eq', completed, last, () => wakeSleepers(k, control, CONTROL.completed));
    k.atomicAdd(k.at(entry, ENTRY.claimed), 1, tile);
  });
  k.intStore(k.at(self, SELF.ownTiles), own, 'i32');
  const groupTiles = k.intLoad(k.at(self, SELF.groupTiles), 'i32');
  k.intStore(k.at(self, SELF.groupTiles), k.intOp('add', groupTiles, tiles), 'i32');
}

function beginGroup(k: KernelBuilder, self: IntReg, now: IntReg): void {
  k.intStore(k.at(self, SELF.groupStart), now, 'i32');
  k.intStore(k.at(self, SELF.groupTiles), 0, 'i32');
  k.intStore(k.at(self, SELF.ownTiles), 0, 'i32');
}

/** Waits until the group that ended before `entry` is finished; the first participant adds it to what it measured. */
function endGroup(k: KernelBuilder, self: IntReg, control: IntReg, entry: IntReg, requires: IntReg): void {
  const fastest = k.at(entry, ENTRY.fastest - ENTRY.byteLength);
  const start = k.intLoad(k.at(self, SELF.groupStart), 'i32');
  const own = k.intLoad(k.at(self, SELF.ownTiles), 'i32');
  k.if('gt', own, 0, () => {
    const perTile = ticksSince(k, start, k.clock());
    k.intOp('divide', k.intOp('shiftLeft', perTile, TILE_TICK_SHIFT, perTile), own, perTile);
    const before = k.intLoad(fastest, 'i32'); // others may write too: any of the values will do
    const abort = k.atomicLoad(k.at(control, CONTROL.abort)); // tiles that were skipped take no time
    k.if('lt', perTile, before, () => k.if('eq', abort, 0, () => k.intStore(fastest, perTile, 'i32')));
  });
  pollThenSleep(k, control, CONTROL.completed, 'lt', requires);
  const now = k.clock();
  const index = k.intLoad(k.at(self, SELF.index), 'pointer');
  k.if('eq', index, 0, () =>
    addGroup(k, self, control, k.intLoad(fastest, 'i32'), ticksSince(k, start, now)),
  );
  beginGroup(k, self, now);
}

function addGroup(
  k: KernelBuilder,
  self: IntReg,
  control: IntReg,
  fastest: IntReg,
  elapsedTicks: IntReg,
): void {
  k.if('lt', fastest, UNKNOWN_TICKS, () => {
    const aloneTicks = k.intOp('mul', fastest, k.intLoad(k.at(self, SELF.groupTiles), 'i32'));
    k.intOp('shiftRight', aloneTicks, TILE_TICK_SHIFT, aloneTicks);
    k.advance(aloneTicks, k.intLoad(k.at(control, CONTROL.aloneTicks), 'i32'));
    k.intStore(k.at(control, CONTROL.aloneTicks), aloneTicks, 'i32');
    k.advance(elapsedTicks, k.intLoad(k.at(control, CONTROL.elapsedTicks), 'i32'));
    k.intStore(k.at(control, CONTROL.elapsedTicks), elapsedTicks, 'i32');
    k.if('gt', elapsedTicks, WINDOW_TICKS, () => {
      k.call(k.intLoad(k.at(control, CONTROL.adapt), 'pointer'), [control]);
    });
  });
}

function ticksSince(k: KernelBuilder, start: IntReg, now: IntReg, ticks = k.int()): IntReg {
  k.intOp('sub', now, start, ticks);
  return k.intOp('and', ticks, CLOCK_MASK, ticks);
}

/**
 * Returns when the word at `offset` no longer compares to `bound` like this. A participant that has announced its sleep
 * looks at the word once more, and who changes it looks for sleepers afterwards: one of the two sees the other.
 */
export function pollThenSleep(
  k: KernelBuilder,
  control: IntReg,
  offset: number,
  compare: CompareKind,
  bound: IntReg | number,
): void {
  const word: Address = k.at(control, offset);
  const value = k.atomicLoad(word);
  k.if(compare, value, bound, () => {
    const start = k.clock();
    const polledTicks = k.intConst(0);
    k.while(compare, value, bound, () => {
      k.pause();
      ticksSince(k, start, k.clock(), polledTicks);
      k.if('gt', polledTicks, SPIN_TICKS, () => {
        k.atomicAdd(k.at(control, CONTROL.asleep), 1);
        k.atomicLoad(word, value);
        k.while(compare, value, bound, () => {
          k.waitWhile(word, value);
          k.atomicLoad(word, value);
        });
        k.atomicAdd(k.at(control, CONTROL.asleep), -1);
      });
      k.atomicLoad(word, value);
    });
  });
}

/** For who has just changed the word at `offset` to what others wait for. */
export function wakeSleepers(k: KernelBuilder, control: IntReg, offset: number): void {
  const asleep = k.atomicLoad(k.at(control, CONTROL.asleep));
  k.if('ne', asleep, 0, () => k.wakeAll(k.at(control, offset)));
}

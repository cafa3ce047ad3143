import { KernelBuilder } from '../jit/builder.js';
import type { Capabilities, IntReg, KernelCode } from '../jit/ir.js';
import { CONTROL, SELF } from './tapeLayout.js';
import { pollThenSleep, wakeSleepers } from './walker.js';

/** pass(self): the first participant. Walks, then closes the pass and sees the others out. */
export function passKernel(capabilities: Capabilities): KernelCode {
  const k = new KernelBuilder('pass', capabilities);
  const self = k.param();
  const control = k.intLoad(k.at(self, SELF.control), 'pointer');
  k.call(k.intLoad(k.at(self, SELF.walker), 'pointer'), [self]);
  k.atomicStore(k.at(control, CONTROL.closed), 1);
  const parked = k.atomicLoad(k.at(control, CONTROL.parked));
  k.if('ne', parked, 0, () => callParticipants(k, control));
  pollThenSleep(k, control, CONTROL.inside, 'gt', 0);
  return k.finish();
}

/**
 * join(self): takes part in the current pass as long as its participant is wanted there; returns when the pass is over.
 * Sleeping in here, unlike in an event loop, a participant can be called back in the middle of a pass.
 */
export function joinKernel(capabilities: Capabilities): KernelCode {
  const k = new KernelBuilder('join', capabilities);
  const self = k.param();
  const control = k.intLoad(k.at(self, SELF.control), 'pointer');
  const stays = k.intConst(1);
  k.while('ne', stays, 0, () => {
    k.intConst(0, stays);
    const seen = k.atomicLoad(k.at(control, CONTROL.epoch));
    emitJoin(k, self, control);
    ifWanted(
      k,
      self,
      control,
      () => {},
      () => {
        k.atomicAdd(k.at(control, CONTROL.parked), 1);
        const closed = k.atomicLoad(k.at(control, CONTROL.closed));
        k.if('eq', closed, 0, () => {
          k.waitWhile(k.at(control, CONTROL.epoch), seen);
          k.intConst(1, stays);
        });
        k.atomicAdd(k.at(control, CONTROL.parked), -1);
      },
    );
  });
  return k.finish();
}

/** worker(self): sleeps until the epoch changes, joins the pass, and sleeps again, until `exit` is set. */
export function workerKernel(capabilities: Capabilities): KernelCode {
  const k = new KernelBuilder('worker', capabilities);
  const self = k.param();
  const control = k.intLoad(k.at(self, SELF.control), 'pointer');
  const seen = k.intConst(0);
  const exit = k.intConst(0);
  k.while('eq', exit, 0, () => {
    k.waitWhile(k.at(control, CONTROL.epoch), seen);
    k.atomicLoad(k.at(control, CONTROL.epoch), seen);
    k.atomicLoad(k.at(control, CONTROL.exit), exit);
    k.if('eq', exit, 0, () => emitJoin(k, self, control));
  });
  return k.finish();
}

/** leave(self): makes every worker of the block return that is not in a pass. */
export function leaveKernel(capabilities: Capabilities): KernelCode {
  const k = new KernelBuilder('leave', capabilities);
  const control = k.intLoad(k.at(k.param(), SELF.control), 'pointer');
  k.atomicStore(k.at(control, CONTROL.exit), 1);
  callParticipants(k, control);
  return k.finish();
}

/** Wakes the workers that sleep on the epoch. */
function callParticipants(k: KernelBuilder, control: IntReg): void {
  k.atomicAdd(k.at(control, CONTROL.epoch), 1);
  k.wakeAll(k.at(control, CONTROL.epoch));
}

/**
 * Walks the tape of the current pass unless it is closed already or the participant not wanted. Entering before looking
 * at `closed` makes it safe: the first participant closes first and then waits until nobody is inside.
 */
function emitJoin(k: KernelBuilder, self: IntReg, control: IntReg): void {
  ifWanted(k, self, control, () => {
    k.atomicAdd(k.at(control, CONTROL.inside), 1);
    const closed = k.atomicLoad(k.at(control, CONTROL.closed));
    k.if('eq', closed, 0, () => k.call(k.intLoad(k.at(self, SELF.walker), 'pointer'), [self]));
    const inside = k.atomicAdd(k.at(control, CONTROL.inside), -1);
    k.if('eq', inside, 1, () => wakeSleepers(k, control, CONTROL.inside));
  });
}

function ifWanted(
  k: KernelBuilder,
  self: IntReg,
  control: IntReg,
  wantedBody: () => void,
  unwantedBody?: () => void,
): void {
  const index = k.intLoad(k.at(self, SELF.index), 'pointer');
  const wanted = k.atomicLoad(k.at(control, CONTROL.wanted));
  k.if('lt', index, wanted, wantedBody, unwantedBody);
}

/** The speed of one participant alone, 1, as an integer: speeds are multiples of 1/128. */
const SPEED_SHIFT = 7;

/** Fewer are tried when the participants are worth less than this share of their number: 5/8. */
const POOR = { numerator: 5, shift: 3 } as const;

/**
 * One more is kept when that makes the pass faster by 1/8, one less by 1/16. Without a gain all take part: where memory is
 * the limit one less costs little, and windows differ by more than that while the host's memory is shared.
 */
const GAIN_SHIFT = { more: 3, fewer: 4 } as const;

/** Windows until one more is tried: doubled whenever that was in vain. 30 ms to 0.5 s. */
const PATIENCE = { least: 2, most: 16 } as const;

/** Poor windows in a row until one less is tried. */
export const HEALTHY_WINDOWS = 5;

/** Windows until one less is tried again after that was in vain. */
const FAILED_WINDOWS = 32;

/** Windows of a trial of one more: the system may first put a woken participant on a core that has one already. */
const TRIAL_WINDOWS = 2;

/**
 * adapt(control): at the end of a window, chooses how many participants are wanted in the next.
 *
 * A participant that has lost its core to another process holds a tile that all others wait for, so one too many can
 * cost more than it gives. What they give is measured (`walkerKernel`): the speed of all, relative to that of one. When
 * it is poor, one less is tried; from time to time one more is. What was tried is kept for what it did to the speed.
 */
export function adaptKernel(capabilities: Capabilities): KernelCode {
  const k = new KernelBuilder('adapt', capabilities);
  const control = k.param();
  const speed = takeSpeed(k, control);
  const wanted = k.atomicLoad(k.at(control, CONTROL.wanted));
  const trial = k.intLoad(k.at(control, CONTROL.trial), 'i32');
  const before = k.intLoad(k.at(control, CONTROL.speedBefore), 'i32');
  k.if('eq', trial, 0, () => startTrial(k, control, speed, wanted));
  k.if('eq', trial, 1, () => judgeMore(k, control, speed, before, wanted));
  k.if('lt', trial, 0, () => judgeFewer(k, control, speed, before, wanted));
  k.if('gt', trial, 1, () => k.intStore(k.at(control, CONTROL.trial), k.intOp('sub', trial, 1), 'i32'));
  return k.finish();
}

/** The speed of this window; begins the next. */
function takeSpeed(k: KernelBuilder, control: IntReg): IntReg {
  const aloneTicks = k.intLoad(k.at(control, CONTROL.aloneTicks), 'i32');
  const elapsedTicks = k.intLoad(k.at(control, CONTROL.elapsedTicks), 'i32');
  k.intStore(k.at(control, CONTROL.aloneTicks), 0, 'i32');
  k.intStore(k.at(control, CONTROL.elapsedTicks), 0, 'i32');
  return k.intOp('divide', aloneTicks, k.intOp('shiftRight', elapsedTicks, SPEED_SHIFT));
}

function startTrial(k: KernelBuilder, control: IntReg, speed: IntReg, wanted: IntReg): void {
  const threadCount = k.intLoad(k.at(control, CONTROL.threadCount), 'i32');
  const restDown = countDown(k, control, CONTROL.restDown);
  const restUp = countDown(k, control, CONTROL.restUp);
  const poor = k.intOp('mul', k.intOp('sub', wanted, 1), wanted); // 0: one is always worth it
  k.intOp('min', poor, wanted, poor);
  k.intOp('mul', poor, POOR.numerator, poor);
  k.intOp('shiftLeft', poor, SPEED_SHIFT - POOR.shift, poor);
  k.intStore(k.at(control, CONTROL.speedBefore), speed, 'i32');
  const tryFewer = (): void => changeWanted(k, control, wanted, -1, -1);
  const tryMore = (): void => {
    k.intStore(k.at(control, CONTROL.restDown), k.intOp('max', restDown, HEALTHY_WINDOWS), 'i32');
    const forget = (): void => k.intStore(k.at(control, CONTROL.patience), PATIENCE.least, 'i32');
    const trial = (): void => changeWanted(k, control, wanted, 1, TRIAL_WINDOWS);
    k.if('eq', wanted, threadCount, forget, () => k.if('eq', restUp, 0, trial));
  };
  k.if('lt', speed, poor, () => k.if('eq', restDown, 0, tryFewer), tryMore);
}

/** One more takes part since the last window. */
function judgeMore(k: KernelBuilder, control: IntReg, speed: IntReg, before: IntReg, wanted: IntReg): void {
  k.intStore(k.at(control, CONTROL.trial), 0, 'i32');
  const least = k.intOp('add', before, k.intOp('shiftRight', before, GAIN_SHIFT.more));
  k.if('lt', speed, least, () => {
    changeWanted(k, control, wanted, -1, 0);
    const patience = loadPatience(k, control);
    k.intStore(k.at(control, CONTROL.restUp), patience, 'i32');
    k.intOp('min', k.intOp('shiftLeft', patience, 1, patience), PATIENCE.most, patience);
    k.intStore(k.at(control, CONTROL.patience), patience, 'i32');
  });
}

/** One less takes part since the last window. */
function judgeFewer(k: KernelBuilder, control: IntReg, speed: IntReg, before: IntReg, wanted: IntReg): void {
  k.intStore(k.at(control, CONTROL.trial), 0, 'i32');
  const least = k.intOp('add', before, k.intOp('shiftRight', before, GAIN_SHIFT.fewer));
  k.if(
    'lt',
    speed,
    least,
    () => {
      changeWanted(k, control, wanted, 1, 0);
      k.intStore(k.at(control, CONTROL.restDown), FAILED_WINDOWS, 'i32');
    },
    () => {
      k.intStore(k.at(control, CONTROL.restUp), loadPatience(k, control), 'i32');
    },
  );
}

function loadPatience(k: KernelBuilder, control: IntReg): IntReg {
  const patience = k.intLoad(k.at(control, CONTROL.patience), 'i32'); // 0 in a fresh control block
  return k.intOp('max', patience, PATIENCE.least, patience);
}

/** One more or one less, from 1 to all; workers that were not wanted are called. */
function changeWanted(k: KernelBuilder, control: IntReg, wanted: IntReg, by: 1 | -1, trial: number): void {
  const threadCount = k.intLoad(k.at(control, CONTROL.threadCount), 'i32');
  const next = k.intOp('min', k.intOp('max', k.intOp('add', wanted, by), 1), threadCount);
  k.atomicStore(k.at(control, CONTROL.wanted), next);
  k.intStore(k.at(control, CONTROL.trial), trial, 'i32');
  if (by > 0) callParticipants(k, control);
}

/** @returns the word at `offset`, one less unless it is 0 */
function countDown(k: KernelBuilder, control: IntReg, offset: number): IntReg {
  const left = k.intLoad(k.at(control, offset), 'i32');
  k.intOp('max', k.intOp('sub', left, 1, left), 0, left);
  k.intStore(k.at(control, offset), left, 'i32');
  return left;
}

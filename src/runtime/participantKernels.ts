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
export function callParticipants(k: KernelBuilder, control: IntReg): void {
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

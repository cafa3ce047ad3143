import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Conductor } from '../../src/runtime/conductor.js';
import { NativeMachine } from '../../src/runtime/nativeMachine.js';
import { loadNative } from '../../src/runtime/system/loadNative.js';
import type { Native } from '../../src/runtime/system/native.js';
import { Random } from '../support/random.js';
import { processorIsas } from './support/processorIsas.js';
import { WatchedTape } from './support/watchedTape.js';

const SCRATCH_BYTES = 64;
const PASSES = 10_000;

/** Latest wake-up of the workers, in milliseconds: long after most passes have ended. */
const LATEST_MS = 3;

const native = await loadNative();
const { isas, skip } = processorIsas(native);

/** The system, but one that is slow to wake threads, now and then; not when they shall end, which is waited for. */
function slowToWake(system: Native, random: Random): { system: Native; hurry(): void } {
  let isSlow = true;
  const wakeAll = (address: number): void => {
    if (!isSlow || random.integer(0, 3) > 0) system.wakeAll(address);
    else setTimeout(() => system.wakeAll(address), random.integer(0, LATEST_MS));
  };
  const hurry = (): void => {
    isSlow = false;
  };
  return { system: { ...system, wakeAll }, hurry };
}

test(`${PASSES} passes on 1 to 8 threads that come when they please: every tile once, in order`, {
  skip,
}, async () => {
  let passes = 0;
  for (let threads = 1; threads <= 8; threads++) {
    const random = new Random(300 + threads);
    const { system, hurry } = slowToWake(native as Native, random);
    const machine = new NativeMachine(system, isas.at(-1)!, threads);
    const conductor = new Conductor(machine, SCRATCH_BYTES);
    const tapes = [1, 2, 9, 25].map((entries) => new WatchedTape(machine, conductor, random, entries));
    for (let pass = 0; pass < PASSES / 8; pass++, passes++) {
      const watched = tapes[pass % tapes.length]!;
      watched.reset();
      await conductor.run(watched.tape);
      const where = `${threads} threads, pass ${pass}`;
      assert.equal(watched.errors, 0, where);
      assert.ok(
        watched.marks.every((count) => count === 1),
        where,
      );
      if (pass % 100 === 0) await new Promise((resolve) => setTimeout(resolve, LATEST_MS));
    }
    await new Promise((resolve) => setTimeout(resolve, 2 * LATEST_MS)); // nobody is woken in freed memory
    hurry();
    await conductor.close();
  }
  assert.equal(passes, PASSES);
});

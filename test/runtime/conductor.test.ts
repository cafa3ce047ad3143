import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QwenAsrError } from '../../src/error.js';
import { Conductor } from '../../src/runtime/conductor.js';
import { NativeMachine } from '../../src/runtime/nativeMachine.js';
import { loadNative } from '../../src/runtime/system/loadNative.js';
import type { Native } from '../../src/runtime/system/native.js';
import { oneLineError } from '../model/support/oneLineError.js';
import { Random } from '../support/random.js';
import { processorIsas } from './support/processorIsas.js';
import { WatchedTape } from './support/watchedTape.js';

const SCRATCH_BYTES = 64;

const native = await loadNative();
const { isas, skip } = processorIsas(native);

function machineOf(threads: number, system: Native = native as Native): NativeMachine {
  return new NativeMachine(system, isas.at(-1)!, threads);
}

for (const threads of [1, 2, 3, 4]) {
  test(`random tapes on ${threads} threads: every tile once, never before what it waits for`, {
    skip,
  }, async () => {
    const machine = machineOf(threads);
    const conductor = new Conductor(machine, SCRATCH_BYTES);
    const random = new Random(80 + threads);
    for (let round = 0; round < 40; round++) {
      const watched = new WatchedTape(machine, conductor, random, random.integer(1, 30));
      for (let pass = 0; pass < 5; pass++) {
        watched.reset();
        await conductor.run(watched.tape);
        assert.equal(watched.errors, 0, `tape ${round}, pass ${pass}`);
        assert.ok(watched.marks.every((count) => count === 1));
      }
    }
    await conductor.close();
  });

  test(`2,000 short passes on ${threads} threads, in which workers fall asleep and wake`, {
    skip,
  }, async () => {
    const machine = machineOf(threads);
    const conductor = new Conductor(machine, SCRATCH_BYTES);
    const random = new Random(90 + threads);
    const tapes = [1, 3, 8].map((entries) => new WatchedTape(machine, conductor, random, entries));
    for (let pass = 0; pass < 2000; pass++) {
      const watched = tapes[pass % 3]!;
      watched.reset();
      await conductor.run(watched.tape);
      assert.equal(watched.errors, 0, `pass ${pass}`);
      assert.ok(
        watched.marks.every((count) => count === 1),
        `pass ${pass}`,
      );
    }
    await conductor.close();
  });
}

test('a tape without entries, and one whose entries have no tiles, end at once', { skip }, async () => {
  const machine = machineOf(2);
  const conductor = new Conductor(machine, SCRATCH_BYTES);
  const region = machine.reserve(4096);
  await conductor.run(conductor.writeTape(region, []));
  const idle = { kernel: 0, args: 0, tiles: 0 };
  await conductor.run(conductor.writeTape(region, [[idle, idle], [idle]]));
  await conductor.close();
});

test('aborted and plain passes in turn: none hangs, the plain ones are whole', { skip }, async () => {
  const machine = machineOf(3);
  const conductor = new Conductor(machine, SCRATCH_BYTES);
  const random = new Random(99);
  const watched = new WatchedTape(machine, conductor, random, 60);
  let abortedCount = 0;
  for (let round = 0; round < 300; round++) {
    watched.reset();
    const abort = new AbortController();
    const run = conductor.run(watched.tape, abort.signal);
    if (round % 2 === 0) setImmediate(() => abort.abort());
    const ended = await run.then(
      () => true,
      (error) => {
        assert.ok(error instanceof QwenAsrError && error.code === 'aborted');
        return false;
      },
    );
    if (ended) assert.ok(watched.marks.every((count) => count === 1));
    else abortedCount++;
    assert.ok(ended || round % 2 === 0);
  }
  assert.ok(abortedCount > 0, 'no pass was long enough to be aborted');
  await conductor.close();
});

test('interrupt ends the running pass with `closed`, and no other starts', { skip }, async () => {
  const machine = machineOf(2);
  const conductor = new Conductor(machine, SCRATCH_BYTES);
  const watched = new WatchedTape(machine, conductor, new Random(5), 400);
  const running = assert.rejects(conductor.run(watched.tape), oneLineError('closed'));
  conductor.interrupt();
  await running;
  await assert.rejects(conductor.run(watched.tape), oneLineError('closed'));
  await conductor.close();
  await conductor.close();
  await assert.rejects(conductor.run(watched.tape), oneLineError('closed'));
});

test('a pass that cannot be entered is an error, and workers that have begun it leave', {
  skip,
}, async () => {
  const system: Native = {
    ...(native as Native),
    functionAt: () => ({ call: () => {}, callAsync: () => Promise.reject(new Error('no pool')) }),
  };
  const machine = machineOf(2, system);
  const conductor = new Conductor(machine, SCRATCH_BYTES);
  const watched = new WatchedTape(machine, conductor, new Random(6), 400);
  await assert.rejects(conductor.run(watched.tape), oneLineError('internal', /no pool/));
  await assert.rejects(conductor.run(watched.tape), oneLineError('internal', /no pool/));
  await conductor.close();
});

test('threads that the system refuses are missing from passes, and nothing else is', { skip }, async () => {
  const handles: number[] = [];
  const joined: number[] = [];
  const system: Native = {
    ...(native as Native),
    startThread: (entry, argument, leave) => {
      if (handles.length === 2) return 'the system refuses more (EAGAIN)';
      const handle = (native as Native).startThread(entry, argument, leave);
      handles.push(handle as number);
      return handle;
    },
    joinThread: (handle) => {
      (native as Native).joinThread(handle);
      joined.push(handle);
    },
  };
  const machine = machineOf(5, system);
  const conductor = new Conductor(machine, SCRATCH_BYTES);
  assert.equal(machine.threadCount, 3);
  assert.equal(machine.refusal, 'the system refuses more (EAGAIN)');
  const watched = new WatchedTape(machine, conductor, new Random(7), 20);
  await conductor.run(watched.tape);
  assert.ok(watched.marks.every((count) => count === 1));
  await conductor.close();
  assert.deepEqual(joined, handles);
});

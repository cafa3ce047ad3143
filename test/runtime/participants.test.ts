import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KernelBuilder } from '../../src/jit/builder.js';
import type { Capabilities, KernelCode } from '../../src/jit/ir.js';
import { wasmFeatures } from '../../src/jit/wasm/webAssembly.js';
import { Conductor, type Tape } from '../../src/runtime/conductor.js';
import type { Machine, Region } from '../../src/runtime/machine.js';
import { NativeMachine } from '../../src/runtime/nativeMachine.js';
import { spawnNodeParticipant } from '../../src/runtime/nodeThreads.js';
import { loadNative } from '../../src/runtime/system/loadNative.js';
import type { Native } from '../../src/runtime/system/native.js';
import { CONTROL, ENTRY } from '../../src/runtime/tapeLayout.js';
import { WasmMachine } from '../../src/runtime/wasmMachine.js';
import { startParticipants } from '../../src/runtime/wasmParticipant.js';
import { oneLineError } from '../model/support/oneLineError.js';
import { Random } from '../support/random.js';
import { processorIsas } from './support/processorIsas.js';
import { WatchedTape } from './support/watchedTape.js';

const SCRATCH_BYTES = 64;

const native = await loadNative();
const { isas, skip: noNative } = processorIsas(native);

interface Target {
  readonly name: string;
  readonly skip: string | false;
  open(threadCount: number): Promise<Machine>;
}

const wasm: Target = {
  name: 'wasm',
  skip: !wasmFeatures().threads && 'this runtime has no WebAssembly threads',
  open: async (threadCount) => {
    const started = await startParticipants(threadCount, spawnNodeParticipant);
    return new WasmMachine({ started, weightBytes: 0 });
  },
};
const machineCode: Target = {
  name: 'machine code',
  skip: noNative,
  open: async (threadCount) => new NativeMachine(native as Native, isas.at(-1)!, threadCount),
};

/** A conductor, and the words of its control block. */
function conductorOf(machine: Machine): { conductor: Conductor; words: Int32Array; epoch: number } {
  let control: Region | undefined;
  const reserve = machine.reserve.bind(machine);
  machine.reserve = (byteLength) => {
    const region = reserve(byteLength);
    control ??= region; // the first thing that a conductor reserves
    return region;
  };
  const conductor = new Conductor(machine, SCRATCH_BYTES);
  const { address, buffer, bufferOffset } = control!;
  const words = new Int32Array(buffer, bufferOffset, CONTROL.byteLength / 4);
  return { conductor, words, epoch: address + CONTROL.epoch };
}

/** One entry of `tiles` tiles. */
function tapeOf(machine: Machine, conductor: Conductor, code: KernelCode, tiles: number, barriers = 1): Tape {
  const [kernel] = machine.install([code]) as [number];
  const entry = { kernel, args: 0, tiles };
  return conductor.writeTape(machine.reserve(barriers * ENTRY.byteLength), new Array(barriers).fill([entry]));
}

for (const target of [machineCode, wasm]) {
  const { skip } = target;

  for (const threads of [1, 2, 3, 5, 8]) {
    test(`${target.name}, ${threads} threads: participants come and go in the middle of passes, and every tile runs once`, {
      skip,
    }, async () => {
      const machine = await target.open(threads);
      const { conductor, words, epoch } = conductorOf(machine);
      const random = new Random(200 + threads);
      const tapes = [1, 12, 60].map((entries) => new WatchedTape(machine, conductor, random, entries));
      let running = true;
      const change = (): void => {
        if (!running) return;
        Atomics.store(words, CONTROL.wanted / 4, random.integer(1, threads));
        Atomics.add(words, CONTROL.epoch / 4, 1);
        if (machine instanceof NativeMachine) machine.wake(epoch, threads);
        else Atomics.notify(words, CONTROL.epoch / 4);
        setImmediate(change);
      };
      change();
      for (let pass = 0; pass < 150; pass++) {
        const watched = tapes[pass % 3]!;
        watched.reset();
        await conductor.run(watched.tape);
        assert.equal(watched.errors, 0, `pass ${pass}`);
        assert.ok(
          watched.marks.every((count) => count === 1),
          `pass ${pass}`,
        );
      }
      running = false;
      await conductor.close();
    });
  }

  test(`${target.name}: who waits for a long tile sleeps`, { skip }, async () => {
    const cpuMsOf = async (threads: number): Promise<number> => {
      const machine = await target.open(threads);
      const { conductor } = conductorOf(machine);
      const tape = tapeOf(machine, conductor, busyKernel(machine.capabilities), 1, 2);
      await conductor.run(tape); // compiled, and everybody is there
      const before = process.cpuUsage();
      for (let pass = 0; pass < 3; pass++) await conductor.run(tape);
      const { user, system } = process.cpuUsage(before);
      await conductor.close();
      return (user + system) / 1000;
    };
    // What else the machine does may hold up one of a pair; who never sleeps takes four times as long in all of them.
    const pairs: string[] = [];
    for (let attempt = 0; attempt < 5; attempt++) {
      const [alone, four] = [await cpuMsOf(1), await cpuMsOf(4)];
      assert.ok(alone > 50, `the tiles take ${alone} ms`);
      if (four < 1.5 * alone + 50) return;
      pairs.push(`${alone} and ${four}`);
    }
    assert.fail(`CPU time of 1 participant and of 4, in ms: ${pairs.join(', ')}`);
  });
}

for (const threads of [1, 2, 4]) {
  test(`wasm, ${threads} threads: a kernel that traps ends the pass for all with one error`, {
    skip: wasm.skip,
  }, async () => {
    for (const trapTile of [0, 1, 39]) {
      const machine = await wasm.open(threads);
      const { conductor, words } = conductorOf(machine);
      const tape = tapeOf(machine, conductor, trapKernel(machine.capabilities, trapTile), 40, 5);
      await assert.rejects(
        conductor.run(tape),
        oneLineError('internal', /a pass could not be run: .*memory/),
      );
      await assert.rejects(conductor.run(tape), oneLineError('internal', /a pass could not be run/));
      // Nobody is stuck: threads answer an installation only when they have left the pass.
      machine.install([trapKernel(machine.capabilities, 0)]);
      await machine.installing;
      assert.equal(words[CONTROL.asleep / 4], 0);
      await conductor.close();
    }
  });
}

/** kernel(args, tile, scratch): twenty milliseconds of a fast core, more of others: clocks of Windows tick every ten or so. */
function busyKernel(capabilities: Capabilities): KernelCode {
  const k = new KernelBuilder('busy', capabilities);
  const [, , scratch] = [k.param(), k.param(), k.param()];
  k.loop(10_000_000, () => void k.atomicAdd(k.at(scratch), 1));
  return k.finish();
}

/** kernel(args, tile, scratch): tile `trapTile` reads where no memory is; the others take a little. */
function trapKernel(capabilities: Capabilities, trapTile: number): KernelCode {
  const k = new KernelBuilder('trap', capabilities);
  const [, tile, scratch] = [k.param(), k.param(), k.param()];
  k.loop(2000, () => void k.atomicAdd(k.at(scratch), 1));
  k.if('eq', tile, trapTile, () => void k.intLoad(k.at(k.intConst(-64)), 'i32'));
  return k.finish();
}

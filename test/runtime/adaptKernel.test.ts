import assert from 'node:assert/strict';
import { test } from 'node:test';
import { interpret } from '../../src/jit/interpreter.js';
import { wasmCapabilities } from '../../src/jit/wasm/webAssembly.js';
import { adaptKernel } from '../../src/runtime/participantKernels.js';
import { CONTROL } from '../../src/runtime/tapeLayout.js';

/** Any target's will do: the kernel has no vectors. */
const adapt = adaptKernel(wasmCapabilities());

const WINDOW_TICKS = 70_000;

/** Participants on a machine whose speed is known for every number of them. */
class Machine {
  readonly words: Int32Array<ArrayBuffer>;
  private readonly threadCount: number;

  constructor(threadCount: number) {
    this.threadCount = threadCount;
    this.words = new Int32Array(CONTROL.byteLength / 4);
    this.words[CONTROL.wanted / 4] = threadCount;
    this.words[CONTROL.threadCount / 4] = threadCount;
  }

  get wanted(): number {
    return this.words[CONTROL.wanted / 4]!;
  }

  /** @returns the numbers of participants in `count` windows */
  run(count: number, speedOf: (participants: number) => number): number[] {
    return Array.from({ length: count }, () => {
      const { wanted } = this;
      this.words[CONTROL.aloneTicks / 4] = Math.round(speedOf(wanted) * WINDOW_TICKS);
      this.words[CONTROL.elapsedTicks / 4] = WINDOW_TICKS;
      interpret(adapt, this.words.buffer, [0]);
      assert.ok(this.wanted >= 1 && this.wanted <= this.threadCount, `${this.wanted} are wanted`);
      return wanted;
    });
  }
}

const shareOf = (counts: readonly number[], wanted: number): number =>
  counts.filter((count) => count === wanted).length / counts.length;

for (const threads of [1, 2, 3, 8]) {
  test(`${threads} on cores of their own all take part, always`, () => {
    const counts = new Machine(threads).run(500, (participants) => participants);
    assert.equal(shareOf(counts, threads), 1);
  });
}

test('who has lost its core stays out, and is tried again less and less often', () => {
  const counts = new Machine(2).run(1000, (participants) => (participants === 2 ? 0.9 : 1));
  assert.ok(counts.indexOf(1) <= 6, `${counts.slice(0, 10)}`);
  assert.ok(shareOf(counts, 1) > 0.85, `${shareOf(counts, 1)}`);
  const tries = counts.flatMap((count, i) => (i > 2 && count === 2 && counts[i - 1] === 1 ? [i] : []));
  const pauses = tries.slice(1).map((at, i) => at - tries[i]!);
  assert.ok(tries.length >= 8, `${tries}`);
  assert.ok(
    pauses.every((windows, i) => i === 0 || windows >= pauses[i - 1]!),
    `${pauses}`,
  );
});

test('when the other process has ended, all are back within the longest pause', () => {
  const machine = new Machine(2);
  machine.run(1000, (participants) => (participants === 2 ? 0.9 : 1));
  const counts = machine.run(200, (participants) => participants);
  assert.ok(counts.indexOf(2) <= 20, `${counts.indexOf(2)}`);
  assert.ok(counts.slice(counts.indexOf(2)).every((count) => count === 2));
});

test('one busy process beside 8 participants on 8 cores costs one of them', () => {
  const counts = new Machine(8).run(500, (participants) => (participants === 8 ? 4 : participants));
  assert.ok(counts.every((count) => count >= 7));
  assert.ok(shareOf(counts, 7) > 0.85);
});

test('more participants than cores leave one by one, as long as that gains something', () => {
  const counts = new Machine(8).run(
    500,
    (participants) => Math.min(participants, 2) * 0.9 ** Math.max(0, participants - 2),
  );
  assert.ok(counts.indexOf(2) < 20, `${counts.slice(0, 30)}`);
  assert.ok(shareOf(counts, 2) + shareOf(counts, 3) > 0.95, `${counts}`);
  assert.ok(shareOf(counts, 1) < 0.05);
});

test('one window in which others had the cores changes nothing', () => {
  const machine = new Machine(2);
  for (let round = 0; round < 50; round++) {
    machine.run(3, (participants) => participants);
    assert.deepEqual(
      machine.run(1, () => 0.5),
      [2],
    );
  }
});

test('where memory is the limit, one less gains nothing and all take part', () => {
  const counts = new Machine(2).run(1000, (participants) => (participants === 2 ? 1.05 : 1));
  assert.ok(shareOf(counts, 2) > 0.95, `${shareOf(counts, 2)}`);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QwenAsrError } from '../../src/error.js';
import { Arena, type ArenaBlock } from '../../src/runtime/arena.js';
import type { Machine, Region } from '../../src/runtime/machine.js';
import { Random } from '../support/random.js';

/** Regions side by side with gaps between them, and a record of what was asked. */
class FakeMachine implements Pick<Machine, 'reserve' | 'release' | 'discard'> {
  readonly regions: Region[] = [];
  readonly released: Region[] = [];
  readonly discarded: { region: Region; offset: number; byteLength: number }[] = [];
  limitBytes = Number.POSITIVE_INFINITY;
  private end = 1 << 16;

  reserve(byteLength: number): Region {
    if (byteLength > this.limitBytes) throw new QwenAsrError('memory', 'no more');
    const address = this.end;
    this.end += Math.ceil(byteLength / 4096) * 4096 + 4096;
    const region = { address, byteLength, bufferOffset: 128, buffer: new ArrayBuffer(0) };
    this.regions.push(region);
    return region;
  }

  release(region: Region): void {
    assert.ok(!this.released.includes(region), 'released twice');
    this.released.push(region);
  }

  discard(region: Region, offset: number, byteLength: number): void {
    this.discarded.push({ region, offset, byteLength });
  }
}

function makeArena(options: { regionBytes: number; keepBytes: number }) {
  const machine = new FakeMachine();
  return { machine, arena: new Arena(machine as unknown as Machine, options) };
}

test('random allocations never overlap, lie in their region, on cache lines, with a spare line behind', () => {
  const random = new Random(71);
  const { machine, arena } = makeArena({ regionBytes: 1 << 16, keepBytes: 1 << 14 });
  const live = new Set<{ block: ArenaBlock; wanted: number }>();
  for (let step = 0; step < 5000; step++) {
    if (live.size > 0 && random.uniform() < 0.48) {
      const victim = [...live][random.integer(0, live.size - 1)]!;
      live.delete(victim);
      arena.release(victim.block);
      continue;
    }
    const wanted = random.integer(0, 1) === 1 ? random.integer(0, 300) : random.integer(0, 100_000);
    const block = arena.allocate(wanted);
    const { region, address, byteLength, bufferOffset, buffer } = block;
    assert.equal(address % 64, 0);
    assert.ok(byteLength >= wanted + 64 && byteLength < wanted + 192);
    assert.ok(machine.regions.includes(region) && buffer === region.buffer);
    assert.ok([...live].every(({ block }) => !machine.released.includes(block.region)));
    assert.ok(address >= region.address && address + byteLength <= region.address + region.byteLength);
    assert.equal(bufferOffset - region.bufferOffset, address - region.address);
    for (const { block: other } of live) {
      assert.ok(address + byteLength <= other.address || other.address + other.byteLength <= address);
    }
    live.add({ block, wanted });
    const total = [...live].reduce((sum, { block }) => sum + block.byteLength, 0);
    assert.equal(arena.usedBytes, total);
  }
  for (const { block } of live) arena.release(block);
  assert.equal(arena.usedBytes, 0);
  // Everything was merged again: each region serves its whole size once more, without a new one.
  const count = machine.regions.length;
  const held = machine.regions.filter((region) => !machine.released.includes(region));
  for (const region of held.sort((a, b) => b.byteLength - a.byteLength)) {
    assert.equal(arena.allocate(region.byteLength - 64).byteLength, region.byteLength);
  }
  assert.equal(machine.regions.length, count);
});

test('freed memory is used again before more is taken', () => {
  const { machine, arena } = makeArena({ regionBytes: 1 << 20, keepBytes: 1 << 20 });
  const blocks = [1, 2, 3].map(() => arena.allocate(1000));
  arena.release(blocks[1]!);
  assert.equal(arena.allocate(900).address, blocks[1]!.address);
  for (let round = 0; round < 100; round++) arena.release(arena.allocate(900_000));
  assert.equal(machine.regions.length, 1);
  assert.equal(arena.allocate(3 << 20).region.byteLength >= 3 << 20, true);
  assert.equal(machine.regions.length, 2);
});

test('freed memory is kept up to the limit and given back beyond it', () => {
  const keepBytes = 100 * 1024;
  const { machine, arena } = makeArena({ regionBytes: 1 << 20, keepBytes });
  const blocks = Array.from({ length: 10 }, () => arena.allocate(30 * 1024));
  for (const block of blocks) arena.release(block);
  assert.equal(machine.discarded.length, 7);
  for (const { offset, byteLength } of machine.discarded) {
    const match = blocks.filter(
      (block) => block.address - block.region.address === offset && block.byteLength === byteLength,
    );
    assert.equal(match.length, 1);
  }
  // What is kept serves the next clip of the same size without being given back and touched anew.
  for (let round = 0; round < 5; round++) {
    const again = [1, 2, 3].map(() => arena.allocate(30 * 1024));
    for (const block of again) arena.release(block);
  }
  assert.equal(machine.discarded.length, 7);
});

test('a machine without memory is an error that changes nothing', () => {
  const { machine, arena } = makeArena({ regionBytes: 1 << 16, keepBytes: 1 << 16 });
  const block = arena.allocate(100);
  machine.limitBytes = 1 << 16;
  assert.throws(
    () => arena.allocate(1 << 17),
    (error) => error instanceof QwenAsrError && error.code === 'memory',
  );
  assert.equal(arena.usedBytes, block.byteLength);
  arena.release(block);
  assert.equal(arena.usedBytes, 0);
  assert.equal(arena.allocate(100).address, block.address);
});

test('before a new region is taken, those that are free and too small go back', () => {
  const { machine, arena } = makeArena({ regionBytes: 1 << 16, keepBytes: 1 << 20 });
  const [small, kept] = [arena.allocate(60_000), arena.allocate(60_000)];
  arena.release(small);
  const large = arena.allocate(100_000);
  assert.deepEqual(machine.released, [small.region]);
  arena.release(kept);
  arena.release(large);
  arena.allocate(1 << 18);
  assert.deepEqual(machine.released, [small.region, kept.region, large.region]);
});

test('a limit on address space makes regions smaller before it makes an error', () => {
  const { machine, arena } = makeArena({ regionBytes: 1 << 20, keepBytes: 0 });
  machine.limitBytes = 300_000;
  const blocks = [arena.allocate(1000), arena.allocate(250_000), arena.allocate(299_000)];
  assert.deepEqual(
    machine.regions.map(({ byteLength }) => byteLength),
    [1 << 18, Math.ceil(299_000 / 64 + 1) * 64],
  );
  assert.equal(
    arena.usedBytes,
    blocks.reduce((sum, { byteLength }) => sum + byteLength, 0),
  );
  assert.throws(() => arena.allocate(300_001), /no more/);
});

test('a block of another arena is refused', () => {
  const other = makeArena({ regionBytes: 1 << 16, keepBytes: 0 }).arena.allocate(8);
  const { arena } = makeArena({ regionBytes: 1 << 16, keepBytes: 0 });
  assert.throws(() => arena.release(other), /another arena/);
});

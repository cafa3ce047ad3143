import assert from 'node:assert/strict';
import { test } from 'node:test';
import { X64_PRESETS, x64Capabilities } from '../../../src/jit/x64/features.js';
import { BlockPacker } from '../../../src/ops/compiled/blockPacker.js';
import type { PlainParameter } from '../../../src/ops/parameter.js';
import { Arena } from '../../../src/runtime/arena.js';
import type { Machine } from '../../../src/runtime/machine.js';

const [ROWS, DEPTH, MATRICES] = [320, 128, 3];
const ROW_BYTES = 2 * DEPTH;
const FORM = { bits: 8, groupSize: 64 } as const;

/** A machine that has memory and runs nothing. */
function memoryAlone(): Machine {
  let end = 4096;
  const take = (byteLength: number) => {
    const address = end;
    end += Math.ceil(byteLength / 64) * 64;
    return { address, byteLength, bufferOffset: 0, buffer: new ArrayBuffer(byteLength) };
  };
  const machine: Partial<Machine> = {
    capabilities: x64Capabilities(X64_PRESETS.avx2),
    reserve: take,
    discard: () => {},
    place: (bytes) => ({ address: 2 ** 20 + bytes.byteOffset, copiedBytes: 0 }),
  };
  return machine as Machine;
}

/** Matrices of one file, the first at byte 100 of it. */
function parametersOf(file: ArrayBuffer): PlainParameter[] {
  return Array.from({ length: MATRICES }, (_, i) => ({
    name: `w${i}`,
    shape: [ROWS, DEPTH],
    dtype: 'bf16',
    bytes: new Uint8Array(file, 100 + i * ROWS * ROW_BYTES, ROWS * ROW_BYTES),
  }));
}

test('of a source goes what has been packed, once more a few looks later, and all of it in the end', async () => {
  const file = new ArrayBuffer(100 + MATRICES * ROWS * ROW_BYTES + 50);
  const machine = memoryAlone();
  const packer = new BlockPacker(machine, new Arena(machine, { regionBytes: 2 ** 16, keepBytes: 0 }));
  for (const parameter of parametersOf(file)) packer.add(parameter, FORM);
  const work = packer.take()!;
  assert.equal(packer.take(), null);
  const tiles = ROWS / 16;
  const state = new Uint8Array(file.byteLength); // how often each byte was let go
  const forget = (bytes: Uint8Array): void => {
    assert.equal(bytes.buffer, file);
    for (let i = 0; i < bytes.length; i++) state[bytes.byteOffset + i]! += 1;
  };
  const timesOf = (tile: number): number[] => {
    const start = 100 + tile * 16 * ROW_BYTES;
    return [...new Set(state.subarray(start, start + 16 * ROW_BYTES))];
  };
  await work.run({
    forget,
    runAtOnce: async (calls, meanwhile) => {
      assert.deepEqual(
        calls.map((call) => call.tiles),
        new Array(MATRICES).fill(tiles),
      );
      for (let done = 0; done < MATRICES * tiles; done += 3) {
        meanwhile(done);
        for (let tile = 0; tile < MATRICES * tiles; tile++) {
          // Look 1 goes over tiles 0 to 2, look 2 once more and over the next; nothing that is not done yet goes.
          const looks = Math.min(2, Math.max(0, Math.floor((done - 3 * Math.floor(tile / 3)) / 3)));
          assert.deepEqual(timesOf(tile), [looks], `tile ${tile} when ${done} were done`);
        }
      }
      state.fill(0);
    },
  });
  const expected = new Uint8Array(file.byteLength).fill(1, 100, 100 + MATRICES * ROWS * ROW_BYTES);
  assert.deepEqual(state, expected);
});

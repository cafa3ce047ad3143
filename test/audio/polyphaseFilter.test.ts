import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GROUP, PolyphaseFilter } from '../../src/audio/polyphaseFilter.js';
import { Random } from '../support/random.js';

/** A table of rows for the first four, a row at a time for the last. */
const ratios = [
  [160, 441],
  [1, 3],
  [2, 1],
  [640, 441],
  [16000, 96001],
] as const;

for (const [up, down] of ratios) {
  test(`eight outputs at once equal eight outputs, ${up}/${down}`, () => {
    const filter = new PolyphaseFilter(up, down);
    const x = Float64Array.from(new Random(up).floats(filter.taps + GROUP * down + 20));
    for (const phase of [0, 1 % up, up >> 1, up - 1]) {
      const y = new Float32Array(GROUP * up + 3);
      filter.eight(phase, x, 20, y, 3);
      for (let i = 0; i < GROUP; i++) {
        assert.equal(y[3 + i * up], Math.fround(filter.one(phase, x, 20 + i * down)));
      }
    }
  });

  test(`a constant stays that constant, ${up}/${down}`, () => {
    const filter = new PolyphaseFilter(up, down);
    const x = new Float64Array(filter.taps).fill(1);
    for (const phase of [0, 1 % up, up >> 1, up - 1]) {
      assert.ok(Math.abs(filter.one(phase, x, 0) - 1) < 1e-13);
    }
  });
}

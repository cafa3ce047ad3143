import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sinusoidalPositions } from '../../src/encoder/positions.js';

test('the first position is sin 0 = 0 and cos 0 = 1', () => {
  assert.deepEqual([...sinusoidalPositions(1, 6)], [0, 0, 0, 1, 1, 1]);
});

test('frequencies fall from 1 to 1/10000, sines in the first half', () => {
  const [dModel, position] = [128, 9];
  const row = sinusoidalPositions(13, dModel).subarray(position * dModel, (position + 1) * dModel);
  for (let i = 0; i < 64; i++) {
    const angle = position / 10000 ** (i / 63);
    assert.ok(Math.abs(row[i]! - Math.sin(angle)) < 1e-7, `sin ${i}`);
    assert.ok(Math.abs(row[64 + i]! - Math.cos(angle)) < 1e-7, `cos ${i}`);
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ropeTables } from '../../src/decoder/ropeTables.js';

test('angles are position · θ^(−2i/headDim)', () => {
  const [positions, headDim, theta] = [3000, 128, 1e6];
  const { cos, sin } = ropeTables(positions, headDim, theta);
  assert.equal(cos.length, positions * 64);
  for (const position of [0, 1, 17, 2999]) {
    for (let i = 0; i < 64; i++) {
      const angle = position * Math.exp((-2 * i * Math.log(theta)) / headDim);
      assert.ok(Math.abs(cos[position * 64 + i]! - Math.cos(angle)) < 1e-7);
      assert.ok(Math.abs(sin[position * 64 + i]! - Math.sin(angle)) < 1e-7);
    }
  }
});

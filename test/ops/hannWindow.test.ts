import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hannWindow } from '../../src/ops/hannWindow.js';

test('periodic: the square of a half sine wave, copies half its length apart add up to 1', () => {
  const window = hannWindow(400);
  assert.equal(window.length, 400);
  for (let n = 0; n < 400; n++) {
    assert.ok(Math.abs(window[n]! - Math.sin((Math.PI * n) / 400) ** 2) < 1e-15);
    assert.ok(Math.abs(window[n]! + window[(n + 200) % 400]! - 1) < 1e-15);
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countNonFinite } from '../../src/ops/nonFinite.js';
import type { PlainParameter } from '../../src/ops/parameter.js';

function parameter(
  dtype: PlainParameter['dtype'],
  values: Uint16Array | Uint32Array | Float32Array,
): PlainParameter {
  return { name: 'x', shape: [values.length], dtype, bytes: new Uint8Array(values.buffer) };
}

test('finds NaN and infinities of either sign in every dtype', () => {
  const bf16 = new Uint16Array([0, 0x7f7f, 0xff7f, 0x7f80, 0xff80, 0x7fc0, 0xffff, 0x0001]);
  assert.deepEqual(countNonFinite(parameter('bf16', bf16)), { count: 4, firstIndex: 3 });
  const f16 = new Uint16Array([0x7bff, 0xfbff, 0x03ff, 0x7c00, 0xfc00, 0x7e00]);
  assert.deepEqual(countNonFinite(parameter('f16', f16)), { count: 3, firstIndex: 3 });
  const f32 = new Float32Array([3.4e38, -3.4e38, 1e-45, Number.NaN, Infinity, -Infinity]);
  assert.deepEqual(countNonFinite(parameter('f32', f32)), { count: 3, firstIndex: 3 });
});

test('finite weights count zero', () => {
  assert.deepEqual(countNonFinite(parameter('f32', new Float32Array([0, -0, 1]))), {
    count: 0,
    firstIndex: -1,
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { widenBf16 } from '../../src/jit/numberFormats.js';
import { AFFINE_BITS, AFFINE_GROUPS, dequantizeRows, quantizeRows } from '../../src/ops/affineGroups.js';
import type { AffineBits, AffineParameter, PlainParameter } from '../../src/ops/parameter.js';
import { Random } from '../support/random.js';

/** Packs by writing every value's bits into one string, lowest first: slow, and nothing like the code under test. */
function packByText(values: readonly number[], bits: number): Uint8Array {
  const stream = values
    .map((value) => [...value.toString(2).padStart(bits, '0')].reverse().join(''))
    .join('');
  return Uint8Array.from({ length: stream.length / 8 }, (_, i) =>
    Number.parseInt([...stream.slice(8 * i, 8 * i + 8)].reverse().join(''), 2),
  );
}

function floats(name: string, shape: number[], values: readonly number[]): PlainParameter {
  return { name, shape, dtype: 'f32', bytes: new Uint8Array(Float32Array.from(values).buffer) };
}

for (const bits of AFFINE_BITS) {
  test(`${bits} bits: every value is scale·q + bias, whatever byte its bits lie in`, () => {
    const [rows, columns, groupSize] = [3, 64, 32];
    const random = new Random(bits);
    const q = Array.from({ length: rows * columns }, () => Math.floor(random.uniform() * 2 ** bits));
    const scales = Array.from({ length: rows * 2 }, () => (random.uniform() - 0.5) / 4); // of either sign
    const biases = Array.from({ length: rows * 2 }, () => random.uniform() - 0.5);
    const parameter: AffineParameter = {
      name: 'x.weight',
      shape: [rows, columns],
      dtype: 'affine',
      bytes: packByText(q, bits),
      bits,
      groupSize,
      scales: floats('x.scales', [rows, 2], scales),
      biases: floats('x.biases', [rows, 2], biases),
    };
    const expected = q.map((value, i) => {
      const group = Math.floor(i / groupSize);
      return Math.fround(scales[group]!) * value + Math.fround(biases[group]!);
    });
    const found = dequantizeRows(parameter, 0, rows);
    expected.forEach((value, i) => {
      assert.ok(Math.abs(found[i]! - value) <= 2 ** -18, `element ${i}: ${found[i]} for ${value}`);
    });
    assert.deepEqual(dequantizeRows(parameter, 1, 2), found.slice(columns));
  });
}

for (const bits of [4, 8] as const) {
  for (const groupSize of AFFINE_GROUPS) {
    test(`${bits} bits in groups of ${groupSize}: no value moves by more than half a step and its ends' rounding`, () => {
      const random = new Random(groupSize + bits);
      const groups = 64;
      const firstKind = (groups / 2) * groupSize;
      const values = Float32Array.from({ length: groups * groupSize }, (_, i) => {
        const shift = i < firstKind ? 0 : 0.4; // later groups lie on one side of zero
        return (random.uniform() - 0.5) * 0.2 + shift;
      });
      const { packed, scales, biases } = quantizeRows(values, { bits, groupSize });
      const parameter = affineOf(values.length / groupSize, groupSize, bits, packed, scales, biases);
      const found = dequantizeRows(parameter, 0, groups);
      const [scale, bias] = [widenBf16(scales), widenBf16(biases)];
      values.forEach((value, i) => {
        const group = Math.floor(i / groupSize);
        const far = Math.abs(scale[group]! * (2 ** bits - 1)) + Math.abs(bias[group]!);
        const bound = Math.abs(scale[group]!) / 2 + far * 2 ** -7;
        assert.ok(Math.abs(found[i]! - value) <= bound, `element ${i}: ${found[i]} for ${value}`);
      });
    });
  }
}

test('a group of equal values, of zeros too, comes back as it was', () => {
  for (const value of [0, 0.5, -3]) {
    const values = new Float32Array(64).fill(value);
    const { packed, scales, biases } = quantizeRows(values, { bits: 4, groupSize: 64 });
    assert.deepEqual(dequantizeRows(affineOf(1, 64, 4, packed, scales, biases), 0, 1), values);
  }
});

function affineOf(
  rows: number,
  groupSize: number,
  bits: AffineBits,
  packed: Uint8Array,
  scales: Uint16Array,
  biases: Uint16Array,
): AffineParameter {
  const part = (name: string, words: Uint16Array): PlainParameter => {
    return { name, shape: [rows, 1], dtype: 'bf16', bytes: new Uint8Array(words.slice().buffer) };
  };
  return {
    name: 'x.weight',
    shape: [rows, groupSize],
    dtype: 'affine',
    bytes: packed,
    bits,
    groupSize,
    scales: part('x.scales', scales),
    biases: part('x.biases', biases),
  };
}

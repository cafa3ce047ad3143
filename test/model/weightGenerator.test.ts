import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WeightGenerator } from '../../src/model/weightGenerator.js';

const float = (bf16: number) => new Float32Array(new Uint32Array([bf16 << 16]).buffer)[0] ?? Number.NaN;

test('runs the xorshift sequence of Marsaglia (2003) for shifts 13, 17, 5', () => {
  // Seed 0 has state 1; the first values of that sequence are in common use as a check.
  const generator = new WeightGenerator(0);
  const states: number[] = [];
  for (let i = 0; i < 4; i++) {
    generator.fill(new Uint16Array(1));
    states.push(generator.state >>> 0);
  }
  assert.deepEqual(states, [270369, 67634689, 2647435461, 307599695]);
  assert.equal(new WeightGenerator(1).state, 2654435761);
});

test('draws from the distribution of the tensor', () => {
  const expectations = [
    { tensor: { name: 'w', shape: [4, 3, 2], kind: 'weight' }, centre: 0, deviation: Math.sqrt(1 / 6) },
    { tensor: { name: 'e', shape: [4, 3], kind: 'embedding' }, centre: 0, deviation: 0.03 },
    { tensor: { name: 'b', shape: [4], kind: 'bias' }, centre: 0, deviation: 0.02 / Math.sqrt(3) },
    { tensor: { name: 'n', shape: [4], kind: 'norm' }, centre: 1, deviation: 0.1 / Math.sqrt(3) },
  ] as const;
  const count = 200_000;
  for (const { tensor, centre, deviation } of expectations) {
    const generator = new WeightGenerator(5);
    generator.select(tensor);
    const values = new Uint16Array(count);
    generator.fill(values);
    let sum = 0;
    let squares = 0;
    let widest = 0;
    for (const bits of values) {
      const offset = float(bits) - centre;
      sum += offset;
      squares += offset * offset;
      widest = Math.max(widest, Math.abs(offset));
    }
    // Five standard errors of the mean; bf16 keeps 8 bits, so the width is right to 2^-8 of the largest value.
    assert.ok(Math.abs(sum / count) < (5 * deviation) / Math.sqrt(count) + 2 ** -10 * centre, tensor.kind);
    assert.ok(Math.abs(Math.sqrt(squares / count) / deviation - 1) < 0.01, tensor.kind);
    assert.ok(widest <= Math.sqrt(3) * deviation + 2 ** -8 * (centre + deviation * 2), tensor.kind);
  }
});

test('pieces give what one call gives', () => {
  const whole = new WeightGenerator(9);
  const pieces = new WeightGenerator(9);
  const tensor = { name: 'b', shape: [1000], kind: 'bias' } as const;
  whole.select(tensor);
  pieces.select(tensor);
  const a = new Uint16Array(1000);
  const b = new Uint16Array(1000);
  whole.fill(a);
  for (let start = 0; start < 1000; start += 37) pieces.fill(b.subarray(start, start + 37));
  assert.deepEqual(a, b);
  assert.equal(whole.state, pieces.state);
});

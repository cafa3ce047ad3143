import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom, xoshiro128StarStar } from '../../../src/bench/statistics/random.js';

/** The published recurrence of xoshiro128** in unbounded integers: slow, and free of JavaScript's 32-bit rules. */
function* bigIntGenerator(state: readonly bigint[]): Generator<number> {
  const low32 = (value: bigint): bigint => value & 0xffffffffn;
  const rotate = (value: bigint, count: bigint): bigint => low32((value << count) | (value >> (32n - count)));
  const s = state.slice();
  for (;;) {
    yield Number(low32(rotate(low32(s[1]! * 5n), 7n) * 9n));
    const shifted = low32(s[1]! << 9n);
    s[2]! ^= s[0]!;
    s[3]! ^= s[1]!;
    s[1]! ^= s[2]!;
    s[0]! ^= s[3]!;
    s[2]! ^= shifted;
    s[3] = rotate(s[3]!, 11n);
  }
}

test('the generator follows the recurrence of xoshiro128**', () => {
  const random = xoshiro128StarStar([1, 2, 3, 4]);
  const reference = bigIntGenerator([1n, 2n, 3n, 4n]);
  // 2 · 5 = 10, rotated by 7 is 1280, times 9: the first output can be checked by hand.
  assert.equal(xoshiro128StarStar([1, 2, 3, 4]).uint32(), 11520);
  for (let i = 0; i < 5000; i++) assert.equal(random.uint32(), reference.next().value, `output ${i}`);
});

test('a seed repeats its stream, and near seeds differ from the first output on', () => {
  const first = Array.from(
    { length: 100 },
    (
      (random) => () =>
        random.uint32()
    )(createRandom(42)),
  );
  const again = Array.from(
    { length: 100 },
    (
      (random) => () =>
        random.uint32()
    )(createRandom(42)),
  );
  assert.deepEqual(first, again);
  const starts = new Set(Array.from({ length: 1000 }, (_, seed) => createRandom(seed).uint32()));
  assert.equal(starts.size, 1000);
  assert.notEqual(createRandom(1).uint32(), createRandom(2 ** 32 + 1).uint32());
});

test('uniform, integer and normal have their distributions', () => {
  const random = createRandom(7);
  const count = 200_000;
  const bins = new Array<number>(10).fill(0);
  let sum = 0;
  let squares = 0;
  let beyondTwo = 0;
  for (let i = 0; i < count; i++) {
    const uniform = random.uniform();
    assert.ok(uniform > 0 && uniform < 1);
    bins[random.integer(10)]! += 1;
    const normal = random.normal();
    sum += normal;
    squares += normal ** 2;
    if (Math.abs(normal) > 1.959964) beyondTwo++;
  }
  // Five standard errors: a fixed seed, so this never flickers, and a wrong distribution misses by far more.
  for (const bin of bins)
    assert.ok(Math.abs(bin - count / 10) < 5 * Math.sqrt(count * 0.09), `bin of ${bin}`);
  assert.ok(Math.abs(sum / count) < 5 / Math.sqrt(count));
  assert.ok(Math.abs(squares / count - 1) < 5 * Math.sqrt(2 / count));
  assert.ok(Math.abs(beyondTwo / count - 0.05) < 5 * Math.sqrt(0.0475 / count));
});

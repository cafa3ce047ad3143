import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CpuFindings, datapathBits, measuredTuning, x64Tuning } from '../../../src/jit/x64/tuning.js';

const KIB = 1024;

/** A processor whose units do everything beside one another: Zen 4 but for the width. */
const FULL_SPEED = { fma: 30, fmaWidening: 30.5, fmaHalf: 29.8, pairs: 30.1 };

const AMD: CpuFindings = { isIntel: false, l1Bytes: 32 * KIB, l2Bytes: 1024 * KIB, times: FULL_SPEED };

function tuningOf(changes: Partial<CpuFindings>, times: Partial<typeof FULL_SPEED> = {}) {
  const probed = { ...FULL_SPEED, ...times };
  return measuredTuning({ ...AMD, ...changes, ...(changes.times !== null && { times: probed }) });
}

test('products of pairs are left where they take twice the time that they save', () => {
  assert.equal(tuningOf({}).pairsAsF32, 0);
  assert.equal(tuningOf({}, { pairs: 60 }).pairsAsF32, 0, 'as many products a second as f32');
  assert.equal(tuningOf({}, { pairs: 120 }).pairsAsF32, 1, 'half as many');
});

test('weights are widened once a tile where widening takes the place of products', () => {
  assert.equal(tuningOf({}).widenOnce, 0);
  assert.equal(tuningOf({}, { fmaWidening: 40 }).widenOnce, 1, 'a third more operations, a third more time');
  assert.equal(tuningOf({}, { fmaWidening: 33 }).widenOnce, 0, 'a tenth more time');
});

test('the width of the datapaths is that of half a vector where halves take half the time', () => {
  assert.equal(datapathBits(AMD), 512);
  assert.equal(datapathBits({ ...AMD, times: { ...FULL_SPEED, fmaHalf: 15 } }), 256);
  assert.equal(datapathBits({ ...AMD, times: null }), null);
  const narrow = { ...FULL_SPEED, fmaHalf: null, pairs: null };
  assert.equal(datapathBits({ ...AMD, times: narrow }), null);
});

test('a probe that is held up evenly, or by a few percent more in one place, finds the same', () => {
  const slow = { fma: 120, fmaWidening: 122, fmaHalf: 119, pairs: 480 };
  const choice = tuningOf({}, slow);
  for (const [name, time] of Object.entries(slow)) {
    for (const factor of [0.92, 1.08]) {
      const times = { ...slow, [name]: factor * time };
      assert.deepEqual(tuningOf({}, times), choice, `${name} × ${factor}`);
      assert.equal(datapathBits({ ...AMD, times }), 512, `${name} × ${factor}`);
    }
  }
});

test('without a probe, and of a processor that says nothing, tuning is what suits most', () => {
  const nothing = { isIntel: false, l1Bytes: null, l2Bytes: null, times: null };
  assert.deepEqual(measuredTuning(nothing), {});
  const { prefetchLevel, streams } = measuredTuning({ ...nothing, isIntel: true });
  assert.deepEqual({ prefetchLevel, streams }, { prefetchLevel: 2, streams: 8 });
  assert.equal(x64Tuning(true).prefetchLevel, 0);
  assert.equal(x64Tuning(true).streams, 1);
  for (const isWide of [true, false]) {
    const { widenOnce, pairsAsF32 } = x64Tuning(isWide);
    assert.deepEqual({ widenOnce, pairsAsF32 }, { widenOnce: 0, pairsAsF32: 0 });
  }
});

test('pieces of rows follow from the first cache, unless they are given', () => {
  const strip = (l1Bytes: number, isWide: boolean): number => {
    const { kSegmentBytes, tileRows } = x64Tuning(isWide, { l1Bytes });
    return (kSegmentBytes * tileRows) / l1Bytes;
  };
  assert.equal(strip(48 * KIB, true), 1 / 2);
  assert.ok(strip(48 * KIB, false) <= 1 / 2 && strip(48 * KIB, false) > 0.49);
  assert.equal(x64Tuning(true, { l1Bytes: 32 * KIB }).kSegmentBytes, 4096, 'no shorter than pays');
  assert.equal(x64Tuning(true, { l1Bytes: 48 * KIB, kSegmentBytes: 2048 }).kSegmentBytes, 2048);
  assert.equal(x64Tuning(true, { kSegmentBytes: 0 }).kSegmentBytes, 0);
});

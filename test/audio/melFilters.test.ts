import assert from 'node:assert/strict';
import { test } from 'node:test';
import { melFilters } from '../../src/audio/melSpectrogram.js';

const filters = melFilters(); // [128, 201]
const row = (m: number) => filters.subarray(m * 201, (m + 1) * 201);

/** Corners in Hz by walking along Slaney's scale: 200/3 Hz a mel up to mel 15 (1 kHz), then a factor of 6.4^(1/27). */
function cornersHz(): number[] {
  const topMel = 15 + 27 * (Math.log(8) / Math.log(6.4));
  return Array.from({ length: 130 }, (_, i) => {
    const mel = (i * topMel) / 129;
    return mel <= 15 ? (mel * 200) / 3 : 1000 * 6.4 ** ((mel - 15) / 27);
  });
}

test('128 triangles over 201 frequencies, as in a statement by corner points', () => {
  assert.equal(filters.length, 128 * 201);
  const corners = cornersHz();
  for (let m = 0; m < 128; m++) {
    const [low, peak, high] = [corners[m]!, corners[m + 1]!, corners[m + 2]!];
    const height = 2 / (high - low);
    for (let f = 0; f <= 200; f++) {
      const hz = 40 * f;
      let expected = 0;
      if (hz > low && hz <= peak) expected = (height * (hz - low)) / (peak - low);
      else if (hz > peak && hz < high) expected = (height * (high - hz)) / (high - peak);
      assert.ok(Math.abs(row(m)[f]! - expected) < 1e-8, `filter ${m} at ${hz} Hz`);
    }
  }
});

test('no filter is empty, and together they cover every frequency but the ends', () => {
  for (let m = 0; m < 128; m++)
    assert.ok(
      row(m).some((weight) => weight > 0),
      `filter ${m}`,
    );
  for (let f = 0; f <= 200; f++) {
    const covered = Array.from({ length: 128 }, (_, m) => row(m)[f]!).some((weight) => weight > 0);
    assert.equal(covered, f > 0 && f < 200, `${40 * f} Hz`);
  }
});

test('wide filters have an area near 1 on the grid of 40 Hz', () => {
  for (let m = 100; m < 128; m++) {
    const area = 40 * row(m).reduce((sum, weight) => sum + weight, 0);
    assert.ok(Math.abs(area - 1) < 0.05, `filter ${m}: ${area}`);
  }
});

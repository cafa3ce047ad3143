import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changedTokens } from '../../../src/bench/run/comparisons.js';
import type { BenchResult, CellRecord, CellSettings } from '../../../src/bench/schema/benchResult.js';
import { hashTokens } from '../../../src/bench/schema/machineRecord.js';
import { comparisonResult } from '../support/sampleResults.js';

const sample = comparisonResult();
const [BASE] = sample.cells as [CellRecord];

/** A comparison of the base with itself, decoding these tokens. */
function against(tokens: readonly number[] | null, settings: Partial<CellSettings> = {}): BenchResult {
  const runs = BASE.runs.map((run) => ({
    ...run,
    tokenIds: tokens,
    tokenHash: tokens === null ? null : hashTokens(tokens),
  }));
  const rival = { ...BASE, id: 'rival', settings: { ...BASE.settings, ...settings }, runs };
  return { ...sample, cells: [BASE, rival] };
}

const OTHER = [1, 2, 3];

test('other tokens on one model and one recording are a change', () => {
  assert.deepEqual(changedTokens(against(OTHER)), ['rival']);
  assert.deepEqual(changedTokens(against(BASE.runs[0]?.tokenIds ?? [])), []);
});

test('they are none where something else than speed was to differ, or nothing is known', () => {
  assert.deepEqual(changedTokens(against(null)), []);
  assert.deepEqual(changedTokens(against(OTHER, { language: 'German' })), []);
  assert.deepEqual(changedTokens(against(OTHER, { exactTokens: 3 })), []);
  assert.deepEqual(changedTokens(against(OTHER, { audio: null })), []);
  assert.deepEqual(changedTokens(against(OTHER, { segmentSeconds: 10 })), []);
  assert.deepEqual(changedTokens(against(OTHER, { skipSilence: true })), []);
  // Side by side or not, the same segments say the same.
  assert.deepEqual(changedTokens(against(OTHER, { batch: 4 })), ['rival']);
  assert.deepEqual(changedTokens({ ...against(OTHER), kind: 'sweep' }), []);
});

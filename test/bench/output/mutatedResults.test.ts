import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatJson, formatJsonl } from '../../../src/bench/output/formatJson.js';
import { parseResult } from '../../../src/bench/output/readResult.js';
import { readMutations } from '../../support/mutateText.js';
import { benchmarkResult } from '../support/sampleResults.js';

const COUNT = 10_000;
const RESULT = benchmarkResult(2);

for (const [name, text] of [
  ['JSONL', formatJsonl(RESULT)],
  ['JSON', formatJson(RESULT)],
] as const) {
  test(`${COUNT} damaged results in ${name} are read or refused in one line`, () => {
    const { taken, refused } = readMutations(text, COUNT, (mutated) => {
      assert.ok(parseResult(mutated, 'result').cells.length >= 0);
    });
    assert.ok(refused > 100, `${taken} read, ${refused} refused`);
  });
}

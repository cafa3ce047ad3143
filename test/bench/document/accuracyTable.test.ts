import assert from 'node:assert/strict';
import { test } from 'node:test';
import { summarizeResult } from '../../../src/bench/analysis/summarizeResult.js';
import { accuracyTable } from '../../../src/bench/document/sweepTables.js';
import { checkBenchResult } from '../../../src/bench/output/readResult.js';
import { formatHtml } from '../../../src/bench/render/html.js';
import { formatMarkdown } from '../../../src/bench/render/markdown.js';
import { formatText } from '../../../src/bench/render/text.js';
import { scoreCell } from '../../../src/bench/run/accuracy.js';
import type { BenchResult, CellRecord } from '../../../src/bench/schema/benchResult.js';
import { fakeRun } from '../support/fakeCells.js';
import { sweepResult } from '../support/sampleResults.js';

const SPOKEN = [
  ['en.wav', 'English', 'I am here today', 'I am there today'],
  ['de.wav', 'German', 'fünf Minuten bitte', 'fünf Minuten bitte'],
  ['es.wav', 'Spanish', 'pon música', 'pon la música'],
  ['zh.wav', 'Chinese', '今天天气很好', '今天天汽很好'],
  ['ja.wav', 'Japanese', '五分です', '五分'],
] as const;

/** A sweep over these recordings, for each of the precisions; f32 gets everything right. */
function measured(precisions: readonly string[], spoken: readonly (typeof SPOKEN)[number][]): BenchResult {
  const sample = sweepResult();
  const [first] = sample.cells as [CellRecord];
  const audio = spoken.map(([path], index) => ({ id: `a${index}`, path, durationMs: 2000, hash: null }));
  const cells = precisions.flatMap((precision) =>
    spoken.map(([path, language, reference, heard], index): CellRecord => {
      const text = precision === 'f32' ? reference : heard;
      const cell = {
        ...first,
        id: `precision=${precision} i=${path}`,
        settings: { ...first.settings, precision, audio: `a${index}`, language: null },
        runs: [fakeRun(100, { round: 0, text, language })],
      };
      return { ...cell, accuracy: scoreCell(cell, { path: `${path}.txt`, text: reference }) };
    }),
  );
  return summarizeResult({ ...sample, audio, cells, comparisons: [] });
}

test('several languages together are counted in words, with an interval over the recordings', () => {
  const result = measured(['bf16'], SPOKEN.slice(0, 3));
  const [words, ...others] = result.sets?.[0]?.accuracy ?? [];
  assert.deepEqual(others, []);
  // One word of 4, none of 3, one too many of 2.
  assert.deepEqual([words?.metric, words?.wer, words?.referenceWords], ['wer', 2 / 9, 9]);
  assert.deepEqual([words?.substitutions, words?.insertions, words?.deletions], [1, 1, 0]);
  assert.equal(words?.ci?.unit, 'utterances');
  const { rows = [] } = accuracyTable(result) ?? {};
  assert.deepEqual(
    rows.map(([title]) => title),
    ['en.wav', 'de.wav', 'es.wav', 'all 3 recordings'],
  );
  assert.deepEqual(rows.at(-1)?.slice(1, 3), ['22.2 %', '9.3 %']); // 4 of 43 characters
});

test('languages without spaces have a row of their own: characters and words do not add up', () => {
  const result = measured(['bf16'], SPOKEN);
  const scores = result.sets?.[0]?.accuracy ?? [];
  assert.deepEqual(
    scores.map(({ metric, utterances, substitutions, deletions }) => [
      metric,
      utterances.length,
      substitutions,
      deletions,
    ]),
    [
      ['wer', 3, 1, 0],
      ['cer', 2, 1, 2], // 汽 for 気 … and です left out
    ],
  );
  assert.equal(scores[1]?.cer, 3 / 10);
  const { rows = [] } = accuracyTable(result) ?? {};
  assert.deepEqual(
    rows.slice(-2).map((row) => [row[0], row.at(-1)]),
    [
      ['all 3 recordings', '9 words'],
      ['all 2 recordings', '10 characters'],
    ],
  );
  assert.match(rows.at(-1)?.[3] ?? '', /^CER \d/);
});

test('every setting has its own rates over all recordings', () => {
  const { rows = [] } = accuracyTable(measured(['bf16', 'f32'], SPOKEN.slice(0, 2))) ?? {};
  assert.deepEqual(
    rows.slice(-2).map(([title, wer]) => [title, wer]),
    [
      ['bf16: all 2 recordings', '14.3 %'],
      ['f32: all 2 recordings', '0.0 %'],
    ],
  );
});

test('every output has them, and the document is valid', () => {
  const result = measured(['bf16'], SPOKEN);
  checkBenchResult(JSON.parse(JSON.stringify(result)), 'result');
  assert.match(formatText(result), /^all 3 recordings +22\.2 %/m);
  assert.match(formatMarkdown(result), /^\| all 3 recordings \| 22\.2 % \|/m);
  assert.match(formatHtml([{ name: 'x', result }]), /all 3 recordings<\/t[hd]>/);
});

test('without references there is no table', () => {
  assert.equal(accuracyTable(sweepResult()), null);
});

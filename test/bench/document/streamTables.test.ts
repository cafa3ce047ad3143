import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chartsOf } from '../../../src/bench/document/charts.js';
import { delayTable, headroomSentence, streamNotes } from '../../../src/bench/document/streamTables.js';
import { accuracyTable } from '../../../src/bench/document/sweepTables.js';
import { formatHtml } from '../../../src/bench/render/html.js';
import { formatReport, formatText } from '../../../src/bench/render/text.js';
import { summarize } from '../../../src/bench/statistics/summarize.js';
import { liveResult } from '../support/liveResult.js';
import { benchmarkResult } from '../support/sampleResults.js';

const RESULT = liveResult();
const CELL = RESULT.cells[1] ?? assert.fail();

test('delays have a row for what happens in segments, words and steps, tails where there are values enough', () => {
  const { header, rows } = delayTable(CELL.streamSummary) ?? assert.fail();
  assert.deepEqual(header, ['', 'p50', 'p95', 'p99', 'max', 'of']);
  assert.deepEqual(
    rows.map(([title, , , , , count]) => [title, count]),
    [
      ['first words ms', '12'], // two segments in each of six runs
      ['committed behind speech ms', '72'],
      ['final text behind speech ms', '12'],
      ['step ms', '36'],
    ],
  );
  for (const [, , p95, p99] of rows) assert.deepEqual([p95, p99], ['–', '–']);
  const many = Array.from({ length: 200 }, (_, i) => i + 1);
  const [row] = delayTable({ step: summarize(many, { percents: [95, 99] }) })?.rows ?? [];
  assert.deepEqual(row?.slice(1, 5), ['100.5', '190.0', '–', '200.0']);
  assert.equal(delayTable(benchmarkResult(3).cells[0]?.streamSummary), null);
});

test('what a reader should know: late steps, louder segments, tails without values', () => {
  const alone = streamNotes(CELL, true);
  assert.equal(alone.length, 3);
  assert.match(alone[0]!, /^6 of 36 steps came late and took more audio/);
  assert.match(alone[1]!, /^in 12 of 36 steps the segment became louder/);
  assert.equal(alone[2], 'p95 needs 130 values, p99 needs 662 values');
  assert.deepEqual(streamNotes(CELL, false), [alone[0]]);
  const silent = {
    ...CELL,
    runs: CELL.runs.map((run) => ({ ...run, stream: { ...run.stream!, steps: [] } })),
  };
  assert.deepEqual(streamNotes(silent, true), ['no speech was found, so no step was made']);
  assert.deepEqual(headroomSentence(silent), []);
  const longest = Math.max(...CELL.runs.flatMap(({ stream }) => stream!.steps.map(({ stepMs }) => stepMs)));
  const [sentence = ''] = headroomSentence(CELL);
  assert.match(
    sentence,
    /^head-room [\d.]+ x: the longest step took [\d.]+ of 2000 ms; revised 33\.33 % of 216 tokens$/,
  );
  assert.ok(Math.abs(Number(/[\d.]+/.exec(sentence)?.[0]) / (2000 / longest) - 1) < 1e-3);
});

test('recordings of a setting are taken together, and the live text stands beside the offline one', () => {
  assert.equal(RESULT.sets?.length, 2);
  for (const set of RESULT.sets ?? []) {
    assert.equal(set.streamSummary?.['step']?.runs, 72);
    assert.deepEqual([set.accuracy[0]?.wordErrors, set.offlineAccuracy?.[0]?.wordErrors], [0, 2]);
    assert.deepEqual([set.agreement?.[0]?.wordErrors, set.agreement?.[0]?.referenceWords], [2, 24]);
  }
  const titles = accuracyTable(RESULT)?.rows.map(([title]) => title) ?? [];
  assert.ok(titles.includes('talk0.wav, chunk 1 s'), titles.join('\n'));
  assert.ok(titles.includes('talk0.wav, chunk 1 s, offline'));
  assert.ok(titles.includes('talk0.wav, chunk 1 s, live against offline'));
  assert.ok(titles.includes('chunk 2 s: all 2 recordings, live against offline'));
  assert.match(formatReport(RESULT, false), /^delays of all recordings, chunk 2 s:$/m);
});

test('charts: steps along a segment, and delays along what was swept', () => {
  const titles = chartsOf(RESULT).map(({ title }) => title);
  assert.ok(titles.includes('Delays by seconds of a step'));
  assert.ok(titles.includes('Time by seconds of a step'));
  // Of a single cell, with those in which the segment became louder by themselves.
  const single = { ...RESULT, kind: 'benchmark' as const, cells: [CELL] };
  const chart = chartsOf(single).find(({ title }) => title === 'Steps along a segment') ?? assert.fail();
  assert.ok(chart.picture.kind === 'lines');
  assert.deepEqual(
    chart.picture.lines.map(({ title, points }) => [title, points.map(({ x }) => x)]),
    [
      ['steps', [2]],
      ['where it became louder', [4]],
    ],
  );
  assert.deepEqual(
    chart.picture.guide?.points.map(({ x, y }) => [x, y]),
    [
      [2, 2000],
      [4, 2000],
    ],
  );
  const page = formatHtml([{ name: 'live', result: single }]);
  for (const part of ['Steps along a segment', 'final text behind speech', 'head-room'])
    assert.ok(page.includes(part), part);
  assert.match(formatText(single), /^2\.000 s +\d+ /m);
});

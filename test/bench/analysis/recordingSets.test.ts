import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordingSets } from '../../../src/bench/analysis/summarizeResult.js';
import { setTable } from '../../../src/bench/document/sweepTables.js';
import { formatCsv } from '../../../src/bench/output/formatCsv.js';
import type { BenchEvent } from '../../../src/bench/record/benchEvent.js';
import { formatHtml } from '../../../src/bench/render/html.js';
import { formatMarkdown } from '../../../src/bench/render/markdown.js';
import { formatReport, formatText } from '../../../src/bench/render/text.js';
import type { BenchResult, CellSettings } from '../../../src/bench/schema/benchResult.js';
import { fakeRun } from '../support/fakeCells.js';
import { build, cellStart, MODEL } from '../support/sampleResults.js';

/** Recordings of 2, 3 and 5 s, and silence. */
const AUDIO: BenchEvent[] = [
  ...[2000, 3000, 5000].map((durationMs, index): BenchEvent => {
    return { event: 'audio', audio: { id: `a${index}`, path: `${index}.wav`, durationMs, hash: null } };
  }),
  { event: 'audio', audio: { id: 'silence', path: null, durationMs: 4000, hash: null } },
];

type Cell = readonly [
  settings: Partial<CellSettings>,
  totalsMs: readonly number[],
  rounds?: readonly number[],
];

/** A sweep with these cells and times. */
function sweepOf(cells: readonly Cell[]): BenchResult {
  const events = cells.flatMap(([settings, totalsMs, rounds], cell): BenchEvent[] => [
    { event: 'cell', cell: cellStart(`c${cell}`, settings) },
    ...totalsMs.map((totalMs, index): BenchEvent => {
      return { event: 'run', cell: `c${cell}`, run: fakeRun(totalMs, { round: rounds?.[index] ?? index }) };
    }),
  ]);
  return build([{ event: 'model', model: MODEL }, ...AUDIO, ...events], { kind: 'sweep' });
}

test('a set is the sum of its recordings in every round, and its factor the sum of times ÷ the sum of lengths', () => {
  const { sets } = sweepOf([
    [{ audio: 'a0' }, [100, 110, 120]],
    [{ audio: 'a1' }, [300, 310, 350]],
    [{ audio: 'a2' }, [50, 60, 70]],
  ]);
  const [set, ...others] = sets ?? [];
  assert.deepEqual(others, []);
  assert.deepEqual([set?.cells, set?.audioMs, set?.totalsMs], [['c0', 'c1', 'c2'], 10_000, [450, 480, 540]]);
  assert.equal(set?.summary['total']?.median, 480);
  // Not the mean of the recordings' factors, 0.055, 0.103 and 0.012.
  assert.equal(set?.summary['rt_factor']?.median, 0.048);
  assert.deepEqual([set?.summary['rt_factor']?.min, set?.summary['rt_factor']?.max], [0.045, 0.054]);
});

test('every setting has a set of its own; silence, encoders and single recordings have none', () => {
  const result = sweepOf([
    [{ audio: 'a0', batch: 1, segmentSeconds: 30 }, [10]],
    [{ audio: 'a1', batch: 1, segmentSeconds: 30 }, [20]],
    [{ audio: 'a0', batch: 4, segmentSeconds: 30 }, [5]],
    [{ audio: 'a1', batch: 4, segmentSeconds: 30 }, [6]],
    [{ audio: 'a2', batch: 4, segmentSeconds: 10 }, [1000]],
    [{ audio: 'silence', batch: 4, segmentSeconds: 30 }, [1000]],
    [{ audio: 'a0', mode: 'encoder' }, [1000]],
    [{ audio: 'a1', mode: 'encoder' }, [1000]],
  ]);
  assert.deepEqual(
    result.sets?.map(({ cells, totalsMs }) => [cells, totalsMs]),
    [
      [['c0', 'c1'], [30]],
      [['c2', 'c3'], [11]],
    ],
  );
});

test('only rounds that all recordings have run count', () => {
  const result = sweepOf([
    [{ audio: 'a0' }, [10, 20, 30], [0, 1, 3]],
    [{ audio: 'a1' }, [1, 2], [1, 3]],
    [{ audio: 'a2' }, []],
  ]);
  assert.deepEqual(
    recordingSets(result).map(({ cells, audioMs, totalsMs }) => [cells, audioMs, totalsMs]),
    [[['c0', 'c1'], 5000, [21, 32]]],
  );
  const apart = sweepOf([
    [{ audio: 'a0' }, [10], [0]],
    [{ audio: 'a1' }, [1], [1]],
  ]);
  assert.deepEqual(apart.sets, []);
});

test('tokens that follow from the length of a recording do not tell sets apart, tokens that were swept do', () => {
  const follows = sweepOf([
    [{ audio: 'a0', exactTokens: 6 }, [10]],
    [{ audio: 'a1', exactTokens: 9 }, [20]],
  ]);
  assert.deepEqual(
    follows.sets?.map(({ totalsMs }) => totalsMs),
    [[30]],
  );
  const swept = sweepOf(
    [8, 64].flatMap((exactTokens): Cell[] => [
      [{ audio: 'a0', exactTokens }, [exactTokens]],
      [{ audio: 'a1', exactTokens }, [exactTokens]],
    ]),
  );
  assert.deepEqual(
    swept.sets?.map(({ totalsMs }) => totalsMs),
    [[16], [128]],
  );
  assert.deepEqual(setTable(swept)?.header.slice(0, 2), ['tokens', 'recordings']);
});

test('every format for people shows the sets; CSV has what they are summed from', () => {
  const result = sweepOf([
    [{ audio: 'a0', batch: 1, segmentSeconds: 30 }, [100, 120]],
    [{ audio: 'a1', batch: 1, segmentSeconds: 30 }, [200, 220]],
    [{ audio: 'a0', batch: 4, segmentSeconds: 30 }, [50, 60]],
    [{ audio: 'a1', batch: 4, segmentSeconds: 30 }, [60, 70]],
  ]);
  assert.deepEqual(setTable(result), {
    header: ['batch', 'recordings', 'audio s', 'rounds', 'total ms', 'rt_factor x RT', 'min … max'],
    rows: [
      ['1', '2', '5.0', '2', '320.0', '0.06400', '0.06000 … 0.06800'],
      ['4', '2', '5.0', '2', '120.0', '0.02400', '0.02200 … 0.02600'],
    ],
  });
  const row = /320\.0\D+0\.06400\D+0\.06000 … 0\.06800/;
  assert.match(formatReport(result, false), /^all recordings together:\n[\s\S]*^batch .*\n1 .*0\.06400/m);
  for (const text of [formatText(result), formatMarkdown(result), formatHtml([{ name: 'r', result }])]) {
    assert.match(text.replaceAll('\\', ''), row);
    assert.match(text, /all recordings together/i);
  }
  const lines = formatCsv(result).split('\n');
  assert.ok(
    ['round', 'totalMs', 'audio.durationMs'].every((column) => lines[0]?.split(',').includes(column)),
  );
});

test('a file from before there were sets is shown with them', () => {
  const { sets: _, ...older } = sweepOf([
    [{ audio: 'a0' }, [10]],
    [{ audio: 'a1' }, [20]],
  ]);
  assert.match(formatText(older), /all recordings together/);
});

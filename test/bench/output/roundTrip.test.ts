import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cellTitles } from '../../../src/bench/document/sweepAxes.js';
import { type CsvValue, csvRows, formatCsv } from '../../../src/bench/output/formatCsv.js';
import { formatEvent, formatJson, formatJsonl } from '../../../src/bench/output/formatJson.js';
import { parseResult } from '../../../src/bench/output/readResult.js';
import { formatHtml } from '../../../src/bench/render/html.js';
import { escapeMarkdown, formatMarkdown } from '../../../src/bench/render/markdown.js';
import { formatText } from '../../../src/bench/render/text.js';
import type { BenchResult } from '../../../src/bench/schema/benchResult.js';
import { QwenAsrError } from '../../../src/error.js';
import { liveResult } from '../support/liveResult.js';
import {
  benchmarkEvents,
  benchmarkResult,
  comparisonResult,
  HEADER,
  sweepResult,
} from '../support/sampleResults.js';
import { segmentedResult } from '../support/segmentedResult.js';

const SAMPLES: Readonly<Record<string, BenchResult>> = {
  benchmark: benchmarkResult(),
  sweep: sweepResult(),
  comparison: comparisonResult(),
  segmented: segmentedResult(),
  live: liveResult(),
};

for (const [name, result] of Object.entries(SAMPLES)) {
  test(`${name}: JSON gives the same document back`, () => {
    const text = formatJson(result);
    assert.deepEqual(JSON.parse(text), result);
    assert.deepEqual(parseResult(text, 'f'), result);
    assert.ok(text.endsWith('}\n'));
    assert.ok(Math.max(...text.split('\n').map((line) => line.length)) < 200);
    assert.deepEqual(parseResult(JSON.stringify(result), 'one line'), result);
  });

  test(`${name}: JSONL gives the same document back, and JSON from it is the same text`, () => {
    const lines = formatJsonl(result);
    assert.deepEqual(parseResult(lines, 'f'), result);
    assert.equal(formatJson(parseResult(lines, 'f')), formatJson(result));
    for (const line of lines.trimEnd().split('\n')) assert.equal(typeof JSON.parse(line).event, 'string');
  });

  test(`${name}: CSV gives every value of every run back`, () => {
    const rows = csvRows(result);
    const runs = result.cells.reduce((sum, cell) => sum + cell.warmups.length + cell.runs.length, 0);
    assert.equal(rows.length, runs);
    const [header = [], ...fields] = parseCsv(formatCsv(result));
    const columns = header.map(String);
    assert.equal(fields.length, runs);
    assert.equal(new Set(columns).size, columns.length, 'a column twice');
    fields.forEach((line, index) => {
      const row: Readonly<Record<string, CsvValue>> = rows[index] ?? {};
      const expected = columns.map((column) => row[column] ?? null);
      assert.deepEqual(
        line.map((field, column) => typed(field, expected[column] ?? null)),
        expected,
      );
    });
  });
}

test('CSV has a column for every plain value of a run', () => {
  const [row = {}] = csvRows(benchmarkResult(1));
  const run = benchmarkResult(1).cells[0]?.warmups[0] ?? assert.fail();
  const names = (value: object, prefix: string): string[] =>
    Object.entries(value).flatMap(([name, member]) =>
      typeof member === 'object' && member !== null && !Array.isArray(member)
        ? names(member, `${prefix}${name}.`)
        : [`${prefix}${name}`],
    );
  assert.deepEqual(
    names(run, '').filter((name) => !(name in row)),
    [],
  );
});

for (const [name, result] of Object.entries(SAMPLES)) {
  test(`${name}: the raw figures in CSV are those in JSON`, () => {
    const [header = [], ...lines] = parseCsv(formatCsv(result));
    const { cells } = JSON.parse(formatJson(result)) as BenchResult;
    const runs = cells.flatMap(({ id, warmups, runs }) => [
      ...warmups.map((run) => ['warmup', id, run] as const),
      ...runs.map((run) => ['run', id, run] as const),
    ]);
    assert.equal(lines.length, runs.length);
    runs.forEach(([kind, cell, run], index) => {
      const row = new Map(header.map((column, place) => [column, lines[index]?.[place] ?? null]));
      assert.deepEqual([row.get('kind'), row.get('cell')], [kind, cell]);
      for (const [path, value] of leaves(run)) {
        const field = row.get(path) ?? null;
        if (path.startsWith('stream.'))
          continue; // summed up: below
        else if (path === 'segments') assert.equal(field, Array.isArray(value) ? String(value.length) : null);
        else if (path === 'interference.reasons')
          assert.deepEqual(
            field?.split('; ') ?? [],
            (value as readonly string[]).length === 0 ? [''] : value,
          );
        else assert.deepEqual(typed(field, value), value, `${cell}, run ${index + 1}: ${path}`);
      }
      assert.equal(row.get('totalMs'), String(run.totalMs));
    });
  });

  test(`${name}: CSV sums up what is live`, () => {
    const rows = csvRows(result);
    const runs = result.cells.flatMap(({ warmups, runs }) => [...warmups, ...runs]);
    for (const [index, { stream }] of runs.entries()) {
      const columns = Object.entries(rows[index] ?? {}).filter(([column]) => column.startsWith('stream.'));
      assert.deepEqual(Object.fromEntries(columns), {
        'stream.firstWordsMs': stream?.segments.map(({ firstWordsMs }) => firstWordsMs) ?? null,
        'stream.commitDelayMs': stream?.commitDelaysMs ?? null,
        'stream.finalDelayMs': stream?.segments.map(({ finalMs }) => finalMs) ?? null,
        'stream.stepMs': stream?.steps.map(({ stepMs }) => stepMs) ?? null,
        'stream.lateSteps': stream === undefined || stream === null ? null : 1,
        'stream.louderSteps': stream === undefined || stream === null ? null : 2,
        'stream.revisedTokens': stream?.revisedTokens ?? null,
        'stream.shownTokens': stream?.shownTokens ?? null,
      });
    }
  });

  test(`${name}: the figures in Markdown and text are those in JSON, to four digits`, () => {
    if (result.kind === 'sweep') return; // its table has no summaries
    for (const cell of result.cells) {
      const title = cellTitles(result)(cell);
      const found = [
        ...formatMarkdown(result)
          .split(`**${escapeMarkdown(title)}**`)[1]!
          .split('\n**')[0]!
          .matchAll(/^\| ([a-z\\_]+)(?: (ms|MiB))? \| ([-\d.]+) \|/gm),
      ];
      const shown = new Map(
        found.map(([, metric = '', unit, median]) => [
          metric.replaceAll('\\', ''),
          [unit, Number(median)] as const,
        ]),
      );
      const text = formatText(result).split(`\n${title}: `)[1] ?? assert.fail();
      // A command that tells no figures is timed as a whole process.
      const wall = cell.summary?.['total'] === undefined ? 'process' : 'total';
      for (const name of [wall, 'encode', 'decode', 'rt_factor', 'first_token', 'memory']) {
        const median = cell.summary?.[name]?.median;
        if (median === undefined && name !== wall) continue; // a command does not tell all of them
        assert.ok(median !== undefined);
        const [unit, figure] = shown.get(name) ?? assert.fail(`${name} is not in the Markdown`);
        const scaled = unit === 'MiB' ? median / 2 ** 20 : median;
        assert.ok(Math.abs(figure / scaled - 1) < 0.001, `${name}: ${figure} of ${scaled}`);
        const line = new RegExp(`^${name}(?: ms| MiB)? +([\\d.]+) `, 'm').exec(text)?.[1];
        assert.equal(Number(line), figure, name);
      }
    }
  });
}

test('a result in a format that holds less is refused by its name', () => {
  const result = benchmarkResult(3);
  for (const [text, message] of [
    [
      formatCsv(result),
      /^f: expected a result .* found CSV, which has the runs .*; use the \.json or \.jsonl/,
    ],
    [formatMarkdown(result), /^f: expected a result .* found Markdown, which has no single runs; use the /],
    [formatText(result), /^f: expected a result .* found text, which has no single runs; use the \.json/],
    [
      formatHtml([{ name: 'a', result }]),
      /^f: expected a result .* found HTML; its "Download as JSON" gives/,
    ],
  ] as const) {
    assert.throws(() => parseResult(text, 'f'), { code: 'compare', message });
  }
});

test('a JSONL file cut anywhere keeps every run whose line was whole', () => {
  const lines = benchmarkEvents(6).map(formatEvent);
  const text = lines.join('');
  const headerLength = lines[0]?.length ?? 0;
  for (let length = headerLength; length <= text.length; length += 97) {
    const cut = text.slice(0, length);
    const whole = cut.split('\n').slice(0, -1);
    const finished = whole.filter((line) => line.startsWith('{"event":"run"')).length;
    const result = parseResult(cut, 'cut');
    assert.equal(result.cells[0]?.runs.length ?? 0, finished);
    assert.equal(result.complete, whole.length === lines.length);
  }
});

test('events of a resumed measurement continue the result; a cell begun again starts over', () => {
  const first = benchmarkEvents(5).slice(0, -4);
  const again = benchmarkEvents(3, 2).filter(({ event }) => event !== 'header');
  const result = parseResult([...first, ...again].map(formatEvent).join(''), 'f');
  assert.equal(result.cells.length, 1);
  assert.equal(result.cells[0]?.runs.length, 3);
  assert.equal(result.models.length, 1);
  assert.equal(result.complete, true);
});

test('events and lines that a reader cannot use are named', () => {
  const header = formatEvent({ event: 'header', ...HEADER });
  const refusals: readonly (readonly [text: string, message: RegExp])[] = [
    ['', /^f: expected a result of qwen_asr_bench as JSON or JSONL, found an empty file$/],
    ['total 12 ms\n', /^f: expected a result .* found text that is not JSON/],
    [`${header}{"event":"run","cell":"x","run":{}}\n`, /^f: .*expected a started cell, found "x"$/],
    [`${header}oops\n{}\n`, /^f: line 2: expected an event as JSON, found other text$/],
    [`${header}{"a":1}\n`, /^f: line 2: expected an event, found a line without "event"$/],
    [`${header}{"event":"cell"}\n`, /^f: line 2: cell: expected an object, found none$/],
    [`${header}{"event":"run","cell":3,"run":{}}\n`, /^f: line 2: cell: expected a string, found 3$/],
    [`${header}{"event":"cell","cell":{"id":"a"}}\n`, /^f: cells\[0\]\.settings: expected an object/],
    ['{"event":"note","note":"hello"}\n', /^f: expected a header as the first line, found note$/],
    ['{"event":"header","schema":"qwen-asr-bench-result","version":9}\n', /expected version 1 .* found 9/],
  ];
  for (const [text, message] of refusals) {
    assert.throws(
      () => parseResult(text, 'f'),
      (error) => error instanceof QwenAsrError && error.code === 'compare' && message.test(error.message),
      text,
    );
  }
  const future = parseResult(`${header}{"event":"temperature","celsius":61}\n`, 'f');
  assert.equal(future.complete, false);
});

/** Every plain value of a record with its path: `phases.melMs`. */
function leaves(value: object, prefix = ''): [path: string, value: CsvValue][] {
  return Object.entries(value).flatMap(([name, member]): [string, CsvValue][] =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? leaves(member, `${prefix}${name}.`)
      : [[`${prefix}${name}`, member as CsvValue]],
  );
}

/** A field as the value of the type that is expected there. */
function typed(field: string | null, like: CsvValue): CsvValue {
  if (field === null) return null;
  if (typeof like === 'number') return Number(field);
  if (typeof like === 'boolean') return field === 'true';
  if (typeof like === 'string' || like === null) return field;
  return field === '' ? [] : field.split(' ').map(Number);
}

/** RFC 4180, written apart from the formatter; a bare empty field is null. */
function parseCsv(text: string): (string | null)[][] {
  const rows: (string | null)[][] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^",\n]*))(,|\n)/gy;
  let row: (string | null)[] = [];
  for (let match = field.exec(text); match !== null; match = field.exec(text)) {
    const [, quoted, bare, end] = match;
    row.push(quoted === undefined ? bare || null : quoted.replaceAll('""', '"'));
    if (end === '\n') {
      rows.push(row);
      row = [];
    }
    if (field.lastIndex === text.length) return rows;
  }
  return assert.fail('not CSV');
}

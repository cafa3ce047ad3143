import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  formatBytes,
  formatChange,
  formatProbability,
  formatRate,
  significant,
} from '../../../src/bench/output/figures.js';
import { escapeMarkdown, formatMarkdown } from '../../../src/bench/output/formatMarkdown.js';
import { formatText, textTable } from '../../../src/bench/output/formatText.js';
import {
  benchmarkEvents,
  benchmarkResult,
  build,
  comparisonResult,
  HEADER,
  sweepResult,
} from '../support/sampleResults.js';

test('figures have four significant digits and no exponent', () => {
  const shown = [0, 1812.4, 99_999.6, 100.04, 36.214, 0.36214, 0.0036214, -12.346, 1e9].map(significant);
  assert.deepEqual(shown, [
    '0',
    '1812',
    '100000',
    '100.0',
    '36.21',
    '0.3621',
    '0.003621',
    '-12.35',
    '1000000000',
  ]);
});

test('bytes, rates, changes and probabilities read as people write them', () => {
  assert.deepEqual([0, 1023, 1024, 49_152, 1_572_864, 33_285_996_544].map(formatBytes), [
    '0 bytes',
    '1023 bytes',
    '1 KiB',
    '48 KiB',
    '1.5 MiB',
    '31 GiB',
  ]);
  assert.deepEqual([33.1e9, 427e9, 999, 1.25e12].map(formatRate), ['33.1 G', '427 G', '999 ', '1.3 T']);
  assert.deepEqual([1.031, 0.9, 1, 0.9999, 1.25, 2].map(formatChange), [
    '+3.1 %',
    '-10 %',
    '0.0 %',
    '0.0 %',
    '+25 %',
    '+100 %',
  ]);
  assert.deepEqual([0.0004, 0.04999, 1].map(formatProbability), ['<0.001', '0.050', '1.000']);
});

test('text shows medians, intervals, phases and names what to know', () => {
  const result = benchmarkResult();
  const text = formatText(result);
  const median = result.cells[0]?.summary?.['total']?.median ?? assert.fail();
  assert.match(text, /^machine +AMD EPYC 9R14, 4 cores, 8 CPUs, 31 GiB, linux-x64, avx2/m);
  assert.match(text, new RegExp(`^total +${significant(median)} +\\d+ … \\d+ `, 'm'));
  // The sample tells a peak of its encoder and of loading, and none of the conv stem.
  assert.match(text, /^phase +median ms +share +peak MiB$/m);
  assert.match(text, /^load, once +412\.5 +– +762\.9$/m);
  assert.match(text, /^conv_stem +[\d.]+ +2\.\d % +–$/m);
  assert.match(text, /^encoder_layers +[\d.]+ +1\d\.\d % +1431$/m);
  assert.match(text, /^encoder_layers +[\d.]+ +[\d.]+ +6\d % +2\d\d GFLOP\/s +427 GFLOP\/s +bf16$/m);
  assert.match(text, /^decode_steps +\d+ +\d+ +7\d % +25\.\d GB\/s +33\.0 GB\/s +read$/m);
  assert.match(text, /^note: p90 needs 64 runs/m);
  assert.match(text, /^note: disturbed: run \d+ \(steal 4\.1 %\)/m);
  assert.ok(Math.max(...text.split('\n').map((line) => line.length)) < 130);
});

test('a benchmark that was stopped before its first run has text all the same', () => {
  const stopped = build(benchmarkEvents(3).slice(0, 5));
  assert.match(formatText(stopped), /0 run\(s\)[\s\S]*note: 0 of 3 runs were finished[\s\S]*ended early/);
  assert.match(formatMarkdown(build([])), /the measurement was ended early/);
  assert.equal(build([]).createdAt, HEADER.createdAt);
});

test('comparisons say change, interval and verdict', () => {
  const text = formatText(comparisonResult());
  assert.match(text, /^--precision f32 against --precision bf16 +total +\+[23]\.\d % .* <0\.001 +slower$/m);
  assert.match(text, /^note: --precision f32, total: held-up runs set aside in pair \d/m);
});

test('a sweep is one table with a row for each cell, and says which -t is best', () => {
  const text = formatText(sweepResult());
  assert.match(text, /^threads {2}seconds {2}runs {2}total ms +± +encode ms/m);
  assert.equal(text.match(/^[1248] +(?:5|10|20|40) +8 +\d/gm)?.length, 16);
  assert.match(text, /^best -t 8 \(40 s\)$/m);
  assert.match(formatMarkdown(sweepResult()), /^\| threads \| seconds \| runs \|/m);
});

test('Markdown tables have as many columns in every row, and no markup from the data', () => {
  for (const result of [benchmarkResult(), comparisonResult()]) {
    const markdown = formatMarkdown(result);
    const rows = markdown.split('\n').filter((line) => line.startsWith('|'));
    const widths = rows.map((row) => row.replaceAll('\\|', '').split('|').length);
    rows.forEach((row, index) => {
      if (index > 0 && /^\| -/.test(row)) assert.equal(widths[index], widths[index - 1], row);
    });
    assert.ok(rows.length > 10);
    assert.ok(!/<\/?(script|b)>/.test(markdown.replace(/\\</g, '')));
  }
  assert.equal(escapeMarkdown('a|b <i> `c`\n_d_'), 'a\\|b \\<i\\> \\`c\\` \\_d\\_');
});

test('text tables align titles to the left and figures to the right', () => {
  const table = {
    header: ['', 'ms'],
    rows: [
      ['total', '7'],
      ['x', '1234'],
    ],
  };
  assert.deepEqual(textTable(table), ['         ms', 'total     7', 'x      1234']);
});

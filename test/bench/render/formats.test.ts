import assert from 'node:assert/strict';
import { test } from 'node:test';
import { comparisonNotes, showVerdict } from '../../../src/bench/document/comparisonTable.js';
import {
  formatBytes,
  formatChange,
  formatProbability,
  formatRate,
  significant,
} from '../../../src/bench/document/figures.js';
import { formatHtml } from '../../../src/bench/render/html.js';
import { escapeMarkdown, formatMarkdown } from '../../../src/bench/render/markdown.js';
import { formatPlots, formatText, textTable } from '../../../src/bench/render/text.js';
import { comparePaired } from '../../../src/bench/statistics/comparePaired.js';
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
  assert.match(text, new RegExp(`^total ms +${significant(median)} +\\d+ … \\d+ `, 'm'));
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
  assert.match(
    text,
    /^--precision f32 against --precision bf16:\n.*verdict\ntotal +\+[23]\.\d % .* <0\.001 +slower(, mean \+\d\.\d %)?$/m,
  );
  assert.match(text, /^note: --precision f32, total: outliers in pair \d/m);
});

test('a sweep is one table with a row for each cell, and says which -t is best', () => {
  const text = formatText(sweepResult());
  assert.match(text, /^threads {2}seconds {2}runs +ms +± +ms +ms +x RT +token ms +\/s$/m);
  assert.match(
    formatText(sweepResult(), 120),
    /^threads .* decode ms +rt_factor +first_token ms +tokens_per_second$/m,
  );
  assert.equal(text.match(/^[1248] +(?:5|10|20|40) +8 +\d/gm)?.length, 16);
  assert.match(text, /^best -t 8 everywhere$/m);
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

test('a table is no wider than a terminal: its titles stand on more lines, but no name is broken', () => {
  const header = ['cell', 'tokens_per_second', 'first_token ms', ...Array<string>(4).fill('encode ms')];
  const row = ['--precision f32', '21.25', '858.4', ...Array<string>(4).fill('488.3')];
  assert.deepEqual(textTable({ header, rows: [row] }, 120), [
    'cell             tokens_per_second  first_token ms  encode ms  encode ms  encode ms  encode ms',
    '--precision f32              21.25           858.4      488.3      488.3      488.3      488.3',
  ]);
  assert.deepEqual(textTable({ header, rows: [row] }), [
    '                                    first_token  encode  encode  encode  encode',
    'cell             tokens_per_second           ms      ms      ms      ms      ms',
    '--precision f32              21.25        858.4   488.3   488.3   488.3   488.3',
  ]);
  const shortHeader = header.map((title) => title.replace('tokens_per_second', 'tokens/s'));
  const narrow = textTable({ header, shortHeader, rows: [row] }, 70);
  assert.deepEqual(narrow, [
    '                           first_token  encode  encode  encode  encode',
    'cell             tokens/s           ms      ms      ms      ms      ms',
    '--precision f32     21.25        858.4   488.3   488.3   488.3   488.3',
  ]);
});

test('words take several lines where they are what is too wide, and other columns follow below', () => {
  const header = ['', 'change', 'verdict'];
  const rows = [
    ['encode', '0.0 %', 'undecided, try 84 sessions'],
    ['decode', '+5.0 %', 'slower'],
  ];
  assert.deepEqual(textTable({ header, rows }, 34), [
    '        change  verdict',
    'encode   0.0 %  undecided, try 84',
    '                sessions',
    'decode  +5.0 %  slower',
  ]);
  const wide = {
    header: ['t', 's', 'a', 'b', 'c'],
    rows: [['1', '20', '1.11', '2.22', '3.33']],
    keyColumns: 2,
  };
  assert.deepEqual(textTable(wide, 17), [
    't   s     a     b',
    '1  20  1.11  2.22',
    '',
    't   s     c',
    '1  20  3.33',
  ]);
});

test('columns hold with characters that take two columns, and with marks that take none', () => {
  const rows = [
    ['会議.wav', '1'],
    ['🎙️ a', '22'],
    ['👩‍💻', '4444'],
    ['cafe\u0301', '333'],
  ];
  assert.deepEqual(textTable({ header: ['audio', 'ms'], rows }), [
    'audio       ms',
    '会議.wav     1',
    '🎙️ a        22',
    '👩‍💻        4444',
    'cafe\u0301       333',
  ]);
});

test('every table of the text fits into 80 columns', () => {
  const inTables = (text: string) =>
    text
      .split('\n')
      .filter((line) => line.includes('  ') && !/^(note|text|accuracy|[a-z]+ {2,}[\w/'AQS0])/.test(line));
  for (const result of [benchmarkResult(), sweepResult(), comparisonResult()]) {
    for (const line of inTables(formatText(result))) assert.ok(line.length <= 80, line);
  }
});

test('an undecided verdict advises a number of runs that is known so well, and none that nobody would run', () => {
  const verdict = (runsNeeded: number | null) => {
    const [comparison] = comparisonResult().comparisons;
    const outcome = comparison?.outcome ?? assert.fail();
    return showVerdict({
      ...outcome,
      meanDisagrees: false,
      verdict: 'undecided',
      runsNeeded,
    } as typeof outcome);
  };
  assert.equal(verdict(7), 'undecided, try 7 runs');
  assert.equal(verdict(28), 'undecided, try 28 runs');
  assert.equal(verdict(247), 'undecided, try 250 runs');
  assert.equal(verdict(9999), 'undecided, try 10000 runs');
  assert.equal(verdict(143_130), 'undecided');
  assert.equal(verdict(null), 'undecided');
});

test('the verdict says when the mean disagrees, and a note names the runs', () => {
  const times = Array.from({ length: 20 }, () => 100);
  const slow = times.map((time, pair) => (pair < 2 ? 1.5 * time : time));
  const [comparison] = comparisonResult().comparisons;
  assert.ok(comparison?.design === 'paired');
  const record = { ...comparison, outcome: comparePaired(times, slow) };
  assert.equal(showVerdict(record.outcome), 'same, mean +5.0 %');
  assert.deepEqual(comparisonNotes([record]), [
    '--precision f32, total: outliers in pair 1, 2, counted like the others',
    '--precision f32, total: typical runs changed by 0.0 %, their mean by +5.0 %: slow runs are part of one side',
  ]);
  const result = { ...comparisonResult(), comparisons: [record] };
  const page = formatHtml([{ name: 'x', result }]);
  assert.match(page, /<text [^>]*class="tick">mean \+5\.0 %<\/text>/);
  assert.match(page, /<li>--precision f32, total: outliers in pair 1, 2, counted like the others<\/li>/);
  for (const width of [60, 100]) {
    assert.match(formatPlots(result, { width, unicode: false, color: false }), /same, mean \+5\.0 %$/m);
  }
});

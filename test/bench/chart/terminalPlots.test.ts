import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linePlot } from '../../../src/bench/chart/linePlot.js';
import { plotStyleOf } from '../../../src/bench/chart/plotStyle.js';
import { histogram, horizontalBar } from '../../../src/bench/chart/terminalPicture.js';
import { formatPlots } from '../../../src/bench/render/text.js';
import { textWidth } from '../../../src/text/textWidth.js';
import { benchmarkResult, build, comparisonResult, sweepResult } from '../support/sampleResults.js';

const ASCII = { width: 80, unicode: false, color: false };
const UNICODE = { width: 80, unicode: true, color: false };
const RESULTS = { benchmark: benchmarkResult(), sweep: sweepResult(), comparison: comparisonResult() };

test('plots keep to the width, and to ASCII and no colour where asked', () => {
  for (const result of Object.values(RESULTS)) {
    for (const width of [48, 80, 120]) {
      for (const unicode of [true, false]) {
        const text = formatPlots(result, { width, unicode, color: false });
        const longest = Math.max(...text.split('\n').map((line) => [...line].length));
        assert.ok(longest <= width, `${longest} columns of ${width}`);
        assert.ok(!text.includes('\u001b'));
        assert.equal(
          [...text].every((character) => (character.codePointAt(0) ?? 0) < 128),
          !unicode,
        );
      }
    }
  }
});

test('colour adds nothing but colour', () => {
  for (const result of Object.values(RESULTS)) {
    const painted = formatPlots(result, { ...UNICODE, color: true });
    assert.ok(painted.includes('\u001b[3'));
    const bare = painted
      .split('\u001b')
      .map((part, index) => (index === 0 ? part : part.replace(/^\[\d+m/, '')));
    assert.equal(bare.join(''), formatPlots(result, UNICODE));
  }
});

test('a histogram has its values where they are', () => {
  const lines = histogram('t', [10, 10, 10, 10, 30], { ...ASCII, width: 42 });
  assert.deepEqual(lines, [
    't, median 10.00',
    '  #',
    '  #',
    '  #',
    `  #${' '.repeat(38)}#`,
    `  ^${'-'.repeat(39)}`,
    `  10.00${' '.repeat(30)}30.00`,
  ]);
});

test('a histogram of equal values is one column in the middle', () => {
  const lines = histogram('t', [5, 5], { ...ASCII, width: 42 });
  assert.equal(lines[1], `  ${' '.repeat(20)}#`);
  assert.match(lines.at(-1) ?? '', /^ +5\.000$/);
});

test('bars are as long as what they stand for, to an eighth of a column', () => {
  assert.equal(horizontalBar(2.5, UNICODE), '██▌');
  assert.equal(horizontalBar(0.01, UNICODE), '▏');
  assert.equal(horizontalBar(0, UNICODE), '');
  assert.equal(horizontalBar(2.9, ASCII), '##');
});

test('a line falls from the upper left to the lower right, on a logarithm where x is far apart', () => {
  const points = [1, 2, 4, 8].map((x) => ({ x, y: 800 / x }));
  const lines = linePlot('t', 'threads', [{ title: '', points }], ASCII);
  const rows = lines.slice(1, 13);
  const places = rows.flatMap((line, row) =>
    [...line.matchAll(/o/g)].map(({ index }) => [index, row] as const),
  );
  assert.deepEqual(
    places.map(([, row]) => row),
    [0, 6, 8, 10],
  );
  const columns = places.map(([column]) => column);
  assert.ok(columns.every((column, index) => index === 0 || column > (columns[index - 1] ?? 0)));
  // Doubling is a constant step.
  const steps = columns.slice(1).map((column, index) => column - (columns[index] ?? 0));
  assert.ok(Math.max(...steps) - Math.min(...steps) <= 1, String(steps));
  assert.match(lines.at(-1) ?? '', /1 +2 +4 +8 +threads$/);
});

test('comparisons have ratio 1 in the middle, and their mark on the right side of it', () => {
  const rows = formatPlots(RESULTS.comparison, ASCII)
    .split('\n')
    .filter((line) => line.includes('slower'));
  assert.equal(rows.length, 4);
  for (const row of rows) assert.ok(row.indexOf('#') > row.indexOf('|'), row);
});

test('comparisons stand under each other whatever their names are written in', () => {
  const result = RESULTS.comparison;
  const comparisons = result.comparisons.map((one, index) => ({
    ...one,
    labelB: ['会議', 'e\u0301te\u0301', 'a'][index % 3]!,
  }));
  for (const width of [60, 100]) {
    const text = formatPlots({ ...result, comparisons, cells: [] }, { ...ASCII, width });
    const rows = text.split('\n').filter((row) => row !== '');
    // What comes of each stands behind its drawing.
    const starts = rows.map((row) =>
      textWidth(row.slice(0, row.search(/[-+]?\d|slower|faster|same|undecided/))),
    );
    assert.equal(new Set(starts).size, 1, rows.join('\n'));
  }
});

test('without a run there is nothing to draw', () => {
  assert.equal(formatPlots(build([]), ASCII), '');
});

test('the terminal and the environment decide the style', () => {
  const terminal = { isTerminal: true, columns: 100 };
  const style = (env: Record<string, string>) => plotStyleOf({ ...terminal, env });
  assert.deepEqual(style({ LANG: 'en_US.UTF-8', TERM: 'xterm' }), { width: 100, unicode: true, color: true });
  assert.equal(style({ NO_COLOR: '1', TERM: 'xterm' }).color, false);
  assert.equal(style({ NO_COLOR: '', TERM: 'xterm' }).color, true);
  assert.equal(style({ TERM: 'dumb' }).color, false);
  assert.equal(style({ LANG: 'C' }).unicode, false);
  assert.equal(style({ LANG: 'C', LC_ALL: 'de_DE.utf8' }).unicode, true);
  assert.equal(style({ TERM: 'linux' }).unicode, false);
  const pipe = plotStyleOf({ isTerminal: false, columns: undefined, env: {} });
  assert.deepEqual(pipe, { width: 80, unicode: true, color: false });
  assert.equal(plotStyleOf({ isTerminal: true, columns: 20, env: {} }).width, 48);
  assert.equal(plotStyleOf({ isTerminal: true, columns: 400, env: {} }).width, 120);
  assert.equal(plotStyleOf({ isTerminal: false, columns: undefined, env: { COLUMNS: '60' } }).width, 60);
});

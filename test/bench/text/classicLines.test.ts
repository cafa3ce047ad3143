import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatRun, formatTable, parseClassicLines } from '../../../src/bench/text/classicText.js';
import { fakeRun } from '../support/fakeCells.js';

test("the seed's own sample: the means of its table, and the tokens of its runs", () => {
  const output = `system_info: n_threads = 8 / 8

Loading model from qwen3-asr-1.7b ...
  warmup ...
  run 1/5:  total=  1842 ms  enc=  1204 ms  dec=   638 ms  tokens=3  rt=0.37x
  run 2/5:  total=  1790 ms  enc=  1183 ms  dec=   607 ms  tokens=3  rt=0.36x

               min      mean       max
total        1788.0    1812.0    1842.0  ms
encode       1181.0    1194.0    1204.0  ms
decode        603.0     614.0     638.0  ms
rt_factor       0.36      0.36      0.37  x RT
`;
  assert.deepEqual(parseClassicLines(output), { totalMs: 1812, encodeMs: 1194, decodeMs: 614, tokens: 3 });
});

test('any column widths, decimals, line ends and neighbours', () => {
  assert.deepEqual(
    parseClassicLines(
      '[info] loading\r\nrun 1/2: total=1000.5 ms enc=600 ms dec=400 ms tokens=7 rt=0.1x\r\n\trun  2 / 2 :  total =  999.5ms  enc= 500 ms dec=450 ms tokens=7\r\n',
    ),
    { totalMs: 1000, encodeMs: 550, decodeMs: 425, tokens: 7 },
  );
});

test('the encoder alone has no total and no tokens', () => {
  const output = '  run 1/1:  enc=  1198 ms  seq_len=50\n\nencode       1181.0    1192.0    1198.0  ms\n';
  assert.deepEqual(parseClassicLines(output), {
    totalMs: null,
    encodeMs: 1192,
    decodeMs: null,
    tokens: null,
  });
});

test('runs that disagree on their tokens tell none', () => {
  const output = 'run 1/2: total=1 ms tokens=7\nrun 2/2: total=1 ms tokens=8\n';
  assert.equal(parseClassicLines(output)?.tokens, null);
});

test('other output is none of it', () => {
  for (const output of ['', 'Hello.\n', 'total 12 files\n', 'the run 1/5 was: good\n', 'rerun 1/5: x\n']) {
    assert.equal(parseClassicLines(output), null, output);
  }
});

test('what this program prints is read back', () => {
  const subject = {
    mode: 'pipeline',
    runs: 2,
    audioPath: null,
    durationMs: 5000,
    frames: 500,
    encoderLayers: 18,
  } as const;
  const runs = [1234.5, 2345.5].map((ms) =>
    fakeRun(ms, { encodeMs: ms / 2, decodeMs: ms / 4, textTokens: 9 }),
  );
  const output = runs.map((run, index) => formatRun(subject, index + 1, run)).join('');
  assert.deepEqual(parseClassicLines(output + formatTable(subject, runs)), {
    totalMs: 1790,
    encodeMs: 895,
    decodeMs: 447.5,
    tokens: 9,
  });
});

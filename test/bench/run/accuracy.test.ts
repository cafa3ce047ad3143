import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { findReferences, scoreAnswers, scoreCell, scoreRecordings } from '../../../src/bench/run/accuracy.js';
import type { CellRecord } from '../../../src/bench/schema/benchResult.js';
import { QwenAsrError } from '../../../src/error.js';
import { fakeRun } from '../support/fakeCells.js';
import { benchmarkResult, sweepResult } from '../support/sampleResults.js';

const scratch = mkdtempSync(join(tmpdir(), 'qwen-asr-reference-'));
after(() => rmSync(scratch, { recursive: true }));
writeFileSync(join(scratch, 'a.txt'), 'good morning dear friends\n');
writeFileSync(join(scratch, 'b.txt'), 'we sit here now');
writeFileSync(join(scratch, 'empty.txt'), ' \n');
mkdirSync(join(scratch, 'odd.txt'));

const SETTINGS = benchmarkResult(3).cells[0]!.settings;

test('a file is the reference of the one recording, a directory has one for each by name', () => {
  const single = findReferences(join(scratch, 'a.txt'), ['clips/any.wav']);
  assert.deepEqual(
    [...single],
    [['clips/any.wav', { path: join(scratch, 'a.txt'), text: 'good morning dear friends' }]],
  );
  const both = findReferences(scratch, ['clips/a.wav', 'other/b.flac']);
  assert.deepEqual([...both.keys()], ['clips/a.wav', 'other/b.flac']);
  assert.equal(both.get('other/b.flac')?.text, 'we sit here now');
});

test('what gives no reference is refused in one line', () => {
  const refused: [string, string[], RegExp][] = [
    [scratch, [], /^--ref: expected recordings to compare with \(-i\), found silence$/],
    [join(scratch, 'none'), ['a.wav'], /expected a text file or a directory, found nothing there$/],
    [join(scratch, 'a.txt'), ['a.wav', 'b.wav'], /expected a directory for 2 recordings, found a file$/],
    [scratch, ['a.wav', 'c.wav'], /expected .*c\.txt for c\.wav, found nothing there$/],
    [scratch, ['empty.wav'], /empty\.txt: expected a text, found an empty file$/],
    [scratch, ['odd.wav'], /odd\.txt: EISDIR/],
  ];
  for (const [place, recordings, message] of refused) {
    assert.throws(() => findReferences(place, recordings), { message }, place);
  }
});

const [CELL] = sweepResult().cells as [CellRecord];
const cell = (audio: string, text: string | null, language = 'English'): CellRecord => ({
  ...CELL,
  id: audio,
  settings: { ...CELL.settings, audio, language: null },
  runs: [fakeRun(100, { text, language })],
  accuracy: null,
});
const reference = (name: string, text: string) => ({ path: `${name}.txt`, text });

test('a cell is scored by its transcript in the language that was recognised', () => {
  const score = scoreCell(
    cell('a0', 'Good colours dear friends'),
    reference('a', 'good colors dear enemies'),
  );
  assert.deepEqual(
    [score?.wer, score?.substitutions, score?.reference, score?.language],
    [0.25, 1, 'a.txt', 'English'],
  );
  assert.equal(scoreCell(cell('a0', 'x'), undefined), null);
  assert.equal(scoreCell(cell('a0', null), reference('a', 'x')), null);
});

test('recordings are scored together, each once and in its own language, unless words and characters mix', () => {
  const references = new Map([
    ['a.wav', reference('a', 'good morning dear friends')],
    ['b.wav', reference('b', 'we sit')],
    ['c.wav', reference('c', 'Fünf Minuten, bitte!')],
    ['d.wav', reference('d', '五分钟')],
  ]);
  const scored = (name: string, audio: string, text: string, language?: string) => {
    const one = cell(audio, text, language);
    return { ...one, accuracy: scoreCell(one, references.get(`${name}.wav`)) };
  };
  const cells = [
    scored('a', 'a0', 'good morning dear'),
    scored('a', 'a0', 'quite another text'),
    scored('b', 'a1', 'we sit'),
  ];
  const corpus = scoreRecordings(cells);
  assert.equal(corpus?.utterances.length, 2);
  assert.equal(corpus?.wer, 1 / 6);
  assert.equal(scoreRecordings(cells.slice(0, 2)), null);
  const mixed = scoreRecordings([...cells, scored('c', 'a2', 'fünf minute bitte', 'German')]);
  // "colours" of German stay as they are: 1 of 4, none of 2, 1 of 3.
  assert.deepEqual([mixed?.metric, mixed?.wer, mixed?.utterances.length], ['wer', 2 / 9, 3]);
  assert.equal(mixed?.ci?.unit, 'utterances');
  assert.equal(scoreRecordings([...cells, scored('d', 'a3', '五分钟', 'Chinese')]), null);
});

test('a reference that is not UTF-8 is an error that says so, a byte-order mark is none', () => {
  const path = join(scratch, 'encoded.txt');
  const utf16 = Buffer.from('\ufeffgrün', 'utf16le');
  for (const [bytes, found] of [
    [Buffer.from('grün', 'latin1'), /found bytes that are none$/],
    [utf16, /found UTF-16$/],
    [Buffer.from(utf16).swap16(), /found UTF-16$/],
    [Buffer.from('green', 'utf16le'), /found zero bytes, as UTF-16 has$/],
  ] as const) {
    writeFileSync(path, bytes);
    assert.throws(
      () => findReferences(path, ['a.wav']),
      (error) => {
        assert.ok(error instanceof QwenAsrError && error.code === 'file');
        assert.match(error.message, /^--ref .*encoded\.txt: expected a text in UTF-8, /);
        assert.match(error.message, found);
        return true;
      },
    );
  }
  writeFileSync(path, '\ufeffgrün\n');
  assert.equal(findReferences(path, ['a.wav']).get('a.wav')?.text, 'grün');
});

test('segments of several languages are scored by their own', () => {
  const segment = (text: string, language: string) => ({
    ...{ startMs: 0, endMs: 1, heardMs: 1, tokens: 1, promptTokens: 1, audioTokens: 1 },
    ...{ text, language },
  });
  const segments = [
    segment('Seven minutes.', 'English'),
    segment('', ''),
    segment('Sieben Minuten.', 'German'),
  ];
  const run = fakeRun(1, { text: 'Seven minutes. Sieben Minuten.', language: 'English, German', segments });
  const cell = { runs: [run], settings: { ...SETTINGS, language: null } };
  const score = scoreCell(cell, { path: 'r.txt', text: '7 minutes sieben Minuten' });
  assert.deepEqual(
    [score?.wordErrors, score?.rules, score?.language],
    [0, 'english-1, multilingual-1', 'English, German'],
  );
  // A language that the user named counts for all.
  const forced = { ...cell, settings: { ...SETTINGS, language: 'English' } };
  assert.equal(scoreCell(forced, { path: 'r.txt', text: '7 minutes' })?.rules, 'english-1');
});

test('all answers of a server count, however often a text came, and the interval is over the recordings', () => {
  const references = findReferences(scratch, ['clips/a.wav', 'clips/b.wav']);
  const answer = (name: string, text: string | null) => ({ path: `clips/${name}.wav`, text, language: null });
  const answers = [
    ...['good morning dear friends', 'good morning dear friends', 'good evening dear friends'],
    null, // not answered
  ].map((text) => answer('a', text));
  // One of 12 words; then a word left out, twice, of 8.
  const others = ['we sit here', 'we sit here'].map((text) => answer('b', text));
  const unknown = answer('c', 'nobody knows what was said');
  const score = scoreAnswers([...answers, ...others, unknown], 'en', references);
  assert.equal(score?.wer, 3 / 20);
  assert.deepEqual([score?.substitutions, score?.deletions, score?.referenceWords], [1, 2, 20]);
  assert.equal(score?.ci?.unit, 'utterances');
  assert.match(score?.reference ?? '', /a\.txt and 1 more$/);
  assert.equal(scoreAnswers([unknown], undefined, references), null);
});

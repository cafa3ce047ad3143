import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseTranscript, TranscriptStream } from '../../src/text/transcript.js';
import { readGolden } from '../support/golden.js';
import { goldenDir } from '../support/projectRoot.js';
import { Random } from '../support/random.js';
import { demoTokenizer } from './demoTokenizer.js';

for (const clip of readdirSync(join(goldenDir, 'demo')).sort()) {
  test(`golden ${clip}`, () => {
    const golden = readGolden(`demo/${clip}`);
    const options = clip.endsWith('-forced') ? { forcedLanguage: golden.language } : {};
    assert.deepEqual(parseTranscript(golden.raw, options), { language: golden.language, text: golden.text });
  });
}

/** Raw output, language, text: each follows from a sentence of model-spec's "Output parsing". */
const cases: readonly (readonly [string, string, string])[] = [
  ['language English<asr_text>Hello.', 'English', 'Hello.'],
  ['  language English<asr_text>  Hello. \n', 'English', 'Hello.'],
  ['LANGUAGE eNGLISH<asr_text>Hello.', 'English', 'Hello.'],
  ['language zh-hans X<asr_text>Hello.', 'Zh-hans x', 'Hello.'],
  ['noise\n language  german \nlanguage French<asr_text>x', 'German', 'x'],
  ['noise\r\nlanguage german<asr_text>x', 'German', 'x'],
  ['noise\u2028language german<asr_text>x', 'German', 'x'],
  ['the language german<asr_text>x', '', 'x'],
  ['language<asr_text>x', '', 'x'],
  ['language \nlanguage German<asr_text>x', 'German', 'x'],
  ['<asr_text>x', '', 'x'],
  ['language None<asr_text>', '', ''],
  ['language none<asr_text> x ', '', 'x'],
  ['my LANGUAGE NONE is\nlanguage English<asr_text>x', '', 'x'],
  ['Hello.', '', 'Hello.'],
  ['language English Hello.', '', 'language English Hello.'],
  ['language None', '', 'language None'],
  ['', '', ''],
  [' \n\u0085\x1c', '', ''],
  ['language English<asr_text>a<asr_text>b', 'English', 'a<asr_text>b'],
  [`language English<asr_text>${'ha'.repeat(30)}`, 'English', 'ha'],
  [`language English<asr_text>o${'h'.repeat(30)}!`, 'English', 'oh!'],
];

test('language and text of raw outputs', () => {
  for (const [raw, language, text] of cases) {
    assert.deepEqual(parseTranscript(raw), { language, text }, JSON.stringify(raw));
  }
});

test('with a forced language the whole output is the text', () => {
  const parse = (raw: string): unknown => parseTranscript(raw, { forcedLanguage: 'German' });
  assert.deepEqual(parse(' Guten Tag. '), { language: 'German', text: 'Guten Tag.' });
  assert.deepEqual(parse('language None<asr_text>x'), {
    language: 'German',
    text: 'language None<asr_text>x',
  });
  assert.deepEqual(parse('so '.repeat(40)), { language: 'German', text: 'so so' });
  assert.deepEqual(parse(''), { language: 'German', text: '' });
});

test('pieces of a golden run', () => {
  const decoder = demoTokenizer.streamDecoder();
  const stream = new TranscriptStream();
  const pieces = readGolden('demo/music-es').tokens.map((id) => stream.push(decoder.push(id)));
  assert.deepEqual(pieces, ['', '', '', 'Pon', ' música', ' en', ' la', ' cocina', '.', '']);
  assert.equal(stream.flush(), '');
});

test('a tag in pieces, space round the text, and a second tag', () => {
  const stream = new TranscriptStream();
  const pieces = ['language English<as', 'r_text> ', ' a', ' \n', '', 'b<asr_', 'text>', ' '].map((piece) =>
    stream.push(piece),
  );
  assert.deepEqual(pieces, ['', '', 'a', '', '', ' \nb<asr_', 'text>', '']);
  assert.equal(stream.flush(), '');
});

test('without a tag the text comes at the end', () => {
  const stream = new TranscriptStream();
  assert.equal(stream.push(' language English'), '');
  assert.equal(stream.push(' ok '), '');
  assert.equal(stream.flush(), 'language English ok');
});

test('with a forced language all is text', () => {
  const stream = new TranscriptStream({ forcedLanguage: 'English' });
  assert.equal(stream.push(' Set'), 'Set');
  assert.equal(stream.push(' a <asr_text>'), ' a <asr_text>');
});

test('the pieces join to the parsed text, however the output is cut', () => {
  const random = new Random(9);
  const parts = [
    'language English',
    '<asr_text>',
    ' ',
    '\n',
    'word',
    'language None',
    '<asr',
    '_text>',
    '\ufeff',
    '😀',
  ];
  for (let i = 0; i < 5000; i++) {
    const raw = Array.from(
      { length: random.integer(0, 8) },
      () => parts[random.integer(0, parts.length - 1)],
    ).join('');
    const options = random.integer(0, 1) === 0 ? {} : { forcedLanguage: 'English' };
    const stream = new TranscriptStream(options);
    let shown = '';
    for (let from = 0; from < raw.length; ) {
      const to = from + random.integer(0, 7);
      shown += stream.push(raw.slice(from, to));
      from = to;
    }
    assert.equal(shown + stream.flush(), parseTranscript(raw, options).text, JSON.stringify(raw));
  }
});

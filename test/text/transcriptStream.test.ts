import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseTranscript } from '../../src/text/transcript.js';
import { TranscriptStream } from '../../src/text/transcriptStream.js';
import { readGolden } from '../support/golden.js';
import { Random } from '../support/random.js';
import { demoTokenizer } from './demoTokenizer.js';

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

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SegmentText, type StepAnswer } from '../../../src/transcribe/live/segmentText.js';
import { ASR_TEXT, byteText as model, byteTokenizer as tokenizer } from './byteText.js';

const answer = (text: string, ended = true): StepAnswer => ({ ids: tokenizer.encode(text), ended });

/** Steps that hear a second more each and answer with a whole text, of which the prompt's prefix is left out. */
function play(segment: SegmentText, texts: readonly string[], earliestCut = Number.POSITIVE_INFINITY) {
  return texts.map((text, i) => {
    const prompt = segment.prompt();
    assert.ok(text.startsWith(prompt.prefix), `step ${i} was asked to go on with ${prompt.prefix}`);
    segment.take(prompt, answer(text.slice(prompt.prefix.length)), i + 1);
    return segment.commit(earliestCut);
  });
}

const german = () => new SegmentText(model, { forcedLanguage: 'German' });

test('the first two steps are free, then all but five tokens stand, to the end of a word', () => {
  const segment = german();
  const committed = play(segment, ['Guten Tag', 'Guten Tag, wie', 'Guten Tag, wie geht es Ihnen']);
  assert.deepEqual(committed, ['', 'Guten', ' Tag, wie geht es']);
  assert.equal(segment.committed, 'Guten Tag, wie geht es');
  assert.equal(segment.shown, 'Guten Tag, wie geht es Ihnen');
  assert.equal(segment.finish(), ' Ihnen');
});

test('what is committed is never asked for again, even if the model says less', () => {
  const segment = german();
  play(segment, ['a b c d e f g', 'a b c d e f g h i j']);
  const before = segment.committed;
  const prompt = segment.prompt();
  segment.take(prompt, answer(''), 3);
  segment.commit(Number.POSITIVE_INFINITY);
  assert.ok(segment.prompt().prefix.startsWith(before));
});

test('nothing behind a possible cut is committed, and a cut takes back what was heard behind it', () => {
  const segment = german();
  const committed = play(segment, ['one two', 'one two three four', 'one two three four five six'], 2);
  assert.deepEqual(committed, ['', 'one two three', '']);
  segment.cutAt(2);
  assert.equal(segment.heard, 2);
  assert.equal(segment.shown, 'one two three four');
  assert.equal(segment.finish(), ' four');
});

for (const text of [
  '从十二数到五十。关上厨房的空调。',
  'สวัสดีครับยินดีต้อนรับ',
  'مرحبا بالعالم وأهلا بكم',
  '👩‍👩‍👧👍🏽 family',
]) {
  test(`no character of ${text} is cut, doubled or lost`, () => {
    const segment = german();
    const characters = [...new Intl.Segmenter().segment(text)].map(({ segment }) => segment);
    const texts = characters.map((_, i) => characters.slice(0, i + 1).join(''));
    const pieces = [...play(segment, texts), segment.finish()];
    assert.equal(pieces.join(''), text);
    for (const piece of pieces) {
      assert.doesNotMatch(piece, /^\p{M}|\ufffd|[\ud800-\udbff]$|^[\udc00-\udfff]/u);
    }
  });
}

test('language and tag are part of what the prompt goes on with, and not of the text', () => {
  const segment = new SegmentText(model, { forcedLanguage: undefined });
  const raw = (text: string): StepAnswer => {
    const head = tokenizer.encode('language English');
    return { ids: [...head, ASR_TEXT, ...tokenizer.encode(text)], ended: true };
  };
  for (const [i, text] of ['Good morning', 'Good morning, how'].entries()) {
    const prompt = segment.prompt();
    assert.equal(prompt.prefix, '');
    segment.take(prompt, raw(text), i + 1);
  }
  assert.equal(segment.language, 'English');
  assert.equal(segment.commit(2), 'Good');
  const { prefix, prefixIds } = segment.prompt();
  assert.equal(prefix, 'language English<asr_text>Good morning');
  assert.ok(prefixIds.includes(ASR_TEXT));
});

for (let words = 1; words <= 8; words++) {
  test(`a loop of ${words} words is committed once, and shown to the model once`, () => {
    const unit = ['alpha', 'beta', 'gamma', 'delta', 'eta', 'theta', 'iota', 'kappa']
      .slice(0, words)
      .join(' ');
    const looping = `We begin. ${`${unit} `.repeat(12)}`.trim();
    const segment = german();
    play(segment, ['We begin.', looping]);
    assert.equal(segment.committed, `We begin. ${unit}`);
    assert.ok(segment.prompt().prefix.length <= `We begin. ${unit}`.length);
  });

  test(`a loop of ${words} words that the model does not end is said once`, () => {
    const unit = ['alpha', 'beta', 'gamma', 'delta', 'eta', 'theta', 'iota', 'kappa']
      .slice(0, words)
      .join(' ');
    const segment = german();
    segment.take(segment.prompt(), answer(`We begin. ${`${unit} `.repeat(12)}`.trim(), false), 1);
    assert.equal(segment.finish(), `We begin. ${unit}`);
  });
}

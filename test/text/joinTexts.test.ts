import assert from 'node:assert/strict';
import { test } from 'node:test';
import { joinLanguages, joinTexts, textSeparator } from '../../src/text/joinTexts.js';

const CASES: readonly (readonly [what: string, texts: readonly string[], joined: string])[] = [
  ['nothing', [], ''],
  ['silence alone', ['', ''], ''],
  ['English', ['Turn on the light.', 'Set a timer.'], 'Turn on the light. Set a timer.'],
  ['silence between', ['One.', '', '', 'Two.'], 'One. Two.'],
  ['silence at the ends', ['', 'One.', ''], 'One.'],
  ['Chinese, ideographic full stop', ['早上好。', '你好吗?'], '早上好。你好吗?'],
  ['Chinese, ASCII punctuation', ['我们走吧,', '现在'], '我们走吧,现在'],
  ['Chinese, full-width punctuation', ['真的吗\uff1f', 'OK\uff01', 'OK'], '真的吗\uff1fOK\uff01OK'],
  ['Chinese beyond the basic plane', ['𠮷', '野家'], '𠮷野家'],
  ['Cantonese', ['你食咗飯未', '食咗喇'], '你食咗飯未食咗喇'],
  ['Japanese: kana, kanji, long vowel', ['これはデータ', 'です。', '次'], 'これはデータです。次'],
  [
    'Japanese: the half-width katakana of old systems',
    ['\uff83\uff7d\uff84', '\uff83'],
    '\uff83\uff7d\uff84\uff83',
  ],
  ['Thai, ending with a vowel sign', ['สวัสดี', 'ครับ'], 'สวัสดีครับ'],
  ['Korean', ['안녕하세요.', '반갑습니다.'], '안녕하세요. 반갑습니다.'],
  ['Arabic', ['مرحبا.', 'كيف حالك؟'], 'مرحبا. كيف حالك؟'],
  ['Hindi, danda and a vowel sign', ['नमस्ते।', 'आप कैसे हैं', 'ठीक'], 'नमस्ते। आप कैसे हैं ठीक'],
  ['Vietnamese, decomposed', ['Xin chào'.normalize('NFD'), 'bạn'], `${'Xin chào'.normalize('NFD')} bạn`],
  ['Latin words inside Chinese', ['我喜欢 Type', 'Script 语言'], '我喜欢 Type Script 语言'],
  ['one of the two spaceless', ['我有3', '个苹果和 Python', '很好'], '我有3个苹果和 Python很好'],
];

for (const [what, texts, joined] of CASES) {
  test(`joined: ${what}`, () => assert.equal(joinTexts(texts), joined));
}

test('texts come one by one with the same result', () => {
  for (const [, texts, joined] of CASES) {
    let text = '';
    for (const next of texts) text += textSeparator(text, next) + next;
    assert.equal(text, joined);
  }
});

test('languages are named once for as long as they go on, silence is passed over', () => {
  assert.equal(joinLanguages([]), '');
  assert.equal(joinLanguages(['', '']), '');
  assert.equal(joinLanguages(['English', 'English']), 'English');
  assert.equal(joinLanguages(['English', '', 'English', 'German', '', 'English']), 'English,German,English');
});

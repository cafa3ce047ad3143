import assert from 'node:assert/strict';
import { test } from 'node:test';
import { languageNames, languages, resolveLanguage } from '../../src/text/languages.js';

test('thirty languages, each with a name and a code of its own', () => {
  assert.equal(languages.length, 30);
  assert.equal(new Set(languages.map(({ name }) => name)).size, 30);
  assert.equal(new Set(languages.map(({ code }) => code)).size, 30);
});

test('codes are those that the platform knows the languages by', () => {
  const englishNames = new Intl.DisplayNames('en', { type: 'language' });
  for (const { name, code } of languages) assert.equal(englishNames.of(code), name);
});

test('name or code, in any case', () => {
  for (const { name, code } of languages) {
    for (const asked of [
      name,
      name.toLowerCase(),
      name.toUpperCase(),
      code,
      code.toUpperCase(),
      ` ${code} `,
    ]) {
      assert.equal(resolveLanguage(asked, languageNames), name);
    }
  }
  assert.equal(resolveLanguage('klingon', ['Klingon']), 'Klingon');
});

test('unknown and unsupported languages are answered with the supported ones', () => {
  const supported = ['English', 'German', 'Klingon'];
  for (const asked of ['French', 'fr', 'fr-CH', 'xx', '', 'Engl', 'en-', '-', 'de DE']) {
    assert.throws(() => resolveLanguage(asked, supported), {
      code: 'usage',
      message: `language: expected auto or one of English (en), German (de), Klingon; found "${asked}"`,
    });
  }
});

test('a locale stands for its language, and every code of a language for it', () => {
  for (const [asked, name] of [
    ['en-US', 'English'],
    ['en_GB.UTF-8', 'English'],
    ['eng', 'English'],
    ['de-AT', 'German'],
    ['de_DE@euro', 'German'],
    ['deu', 'German'],
    ['ger', 'German'],
    ['pt-BR', 'Portuguese'],
    ['es-419', 'Spanish'],
    ['zh_CN', 'Chinese'],
    ['zh-TW', 'Chinese'],
    ['zh-Hant', 'Chinese'],
    ['cmn-Hans-CN', 'Chinese'],
    ['zh-HK', 'Cantonese'],
    ['zh-Hant-HK', 'Cantonese'],
    ['zh-yue', 'Cantonese'],
    ['yue-HK', 'Cantonese'],
    ['tl', 'Filipino'],
    ['fil-PH', 'Filipino'],
    ['fas', 'Persian'],
  ] as const) {
    assert.equal(resolveLanguage(asked, languageNames), name, asked);
  }
  assert.equal(resolveLanguage('zh-HK', ['English', 'Chinese']), 'Chinese');
});

test('auto leaves the language to the model', () => {
  for (const asked of ['auto', 'AUTO', ' Auto '])
    assert.equal(resolveLanguage(asked, ['English']), undefined);
});

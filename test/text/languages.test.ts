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
  for (const asked of ['French', 'fr', 'xx', '', 'Eng']) {
    assert.throws(() => resolveLanguage(asked, supported), {
      code: 'usage',
      message: `language: expected one of English (en), German (de), Klingon; found "${asked}"`,
    });
  }
});

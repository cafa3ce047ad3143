import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkWindowsNames, isDeviceName, windowsName } from '../../src/model/windowsNames.js';
import { oneLineError } from './support/oneLineError.js';

/** learn.microsoft.com, "Naming Files, Paths, and Namespaces". */
const DEVICES = 'CON PRN AUX NUL COM0 COM1 COM9 COM¹ COM² COM³ LPT0 LPT1 LPT9 LPT¹ LPT² LPT³'.split(' ');

test('devices are known with any extension and in any letter case', () => {
  for (const name of DEVICES) {
    for (const form of [name, name.toLowerCase(), `${name}.txt`, `${name}.tar.gz`, `${name} .srt`]) {
      assert.ok(isDeviceName(form), form);
      assert.ok(!isDeviceName(windowsName(form)), form);
    }
    for (const form of [`${name}s`, `x${name}`, `x.${name}`]) assert.ok(!isDeviceName(form), form);
  }
});

test('a name is written as Windows takes it, and as it is where Windows takes it', () => {
  const written = {
    'con.wav': 'con_.wav',
    Aux: 'Aux_',
    'lpt1.tar.gz': 'lpt1_.tar.gz',
    'a:b.wav': 'a_b.wav',
    '<a>"b"|c?*.wav': '_a__b__c__.wav',
    'a\u0001b\n.wav': 'a_b_.wav',
    'talk.': 'talk_',
    'talk. . ': 'talk____',
    'con?': 'con_',
    ' Gespräch (1) — 会議.wav': ' Gespräch (1) — 会議.wav',
    '.hidden': '.hidden',
  };
  for (const [name, expected] of Object.entries(written)) {
    assert.equal(windowsName(name), expected);
    assert.equal(windowsName(expected), expected, 'once and for all');
  }
});

test('paths with names that cannot be made are refused on Windows, and only there', () => {
  const refused = {
    'out\\con': /found "con", the name of a device$/,
    'C:/out/nul.txt': /found "nul\.txt", the name of a device$/,
    'D:\\out \\x': /found "out ", which ends in a dot or a space$/,
    'C:\\a:b.json': /found "a:b\.json", which has one of <>:"\|\?\* or a control character$/,
  };
  for (const [path, message] of Object.entries(refused)) {
    assert.throws(() => checkWindowsNames(path, 'win32'), oneLineError('file', message));
    checkWindowsNames(path, 'linux');
  }
  for (const path of [
    '..\\x.json',
    'C:x.json',
    '\\\\server\\share$\\x',
    '\\\\?\\C:\\Benutzer\\Jürgen Groß\\x',
    './a/../b',
    'C:\\',
  ]) {
    checkWindowsNames(path, 'win32');
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anyText, decimalNumber, oneOf, wholeNumber } from '../../src/bench/settings/optionValues.js';
import { type OptionTable, parseOptions } from '../../src/cli/options.js';
import { QwenAsrError } from '../../src/error.js';

const section = 'Options';
const TABLE = {
  runs: { kind: 'value', short: 'n', placeholder: 'N', section, help: [], read: wholeNumber(1) },
  input: { kind: 'value', short: 'i', placeholder: 'FILE', section, help: [], read: anyText },
  json: { kind: 'switch', section, help: [] },
  help: { kind: 'switch', short: 'h', section, help: [], endsParsing: true },
} as const satisfies OptionTable;

test('short, long, attached and inline values mean the same', () => {
  for (const args of [['-n', '3'], ['-n3'], ['--runs', '3'], ['--runs=3']]) {
    assert.deepEqual({ ...parseOptions(TABLE, args).values }, { runs: 3 });
  }
});

test('the last of a repeated option wins; - is a value', () => {
  const { values } = parseOptions(TABLE, ['-n', '3', '-i', '-', '-n', '4', '--json']);
  assert.deepEqual({ ...values }, { runs: 4, input: '-', json: true });
});

test('all values of a repeatable option count, in their order', () => {
  const table = { input: { ...TABLE.input, repeatable: true }, runs: TABLE.runs } as const;
  const { values } = parseOptions(table, ['-i', 'b', '-n', '3', '--input=a', '-i', 'b']);
  assert.deepEqual({ ...values }, { input: ['b', 'a', 'b'], runs: 3 });
  assert.equal(parseOptions(table, []).values.input, undefined);
});

test('-h ends the reading, so that nothing after it is an error', () => {
  assert.deepEqual({ ...parseOptions(TABLE, ['-h', '--bogus', '-n']).values }, { help: true });
});

test('arguments beyond the expected ones are refused, also after --', () => {
  assert.deepEqual(parseOptions(TABLE, ['a', '--json', '--', '-n'], 2).positionals, ['a', '-n']);
  refuses(['a'], 'unexpected argument "a"');
  refuses(['--', '-n'], 'unexpected argument "-n"');
});

test('what cannot be carried out is refused in one line', () => {
  refuses(['-x'], 'unknown option -x; -h lists the options');
  refuses(['--bogus=1'], 'unknown option --bogus; -h lists the options');
  refuses(['--constructor'], 'unknown option --constructor; -h lists the options');
  refuses(['-n'], '-n: expected a value (N), found the end of the command line');
  refuses(['--runs', '-i', 'x'], '--runs: expected a value (N), found the option -i');
  refuses(['--json=yes'], '--json: expected no value, found "yes"');
  for (const bad of ['0', '-5', 'five', '2.5', '', '1e3', '0x10', ' 3', '9007199254740993']) {
    refuses(['-n', bad], `-n: expected a whole number of 1 or more, found ${JSON.stringify(bad)}`);
  }
});

test('an option for another command line may be a value', () => {
  const value = {
    kind: 'value',
    placeholder: 'OPTIONS',
    section: 'Options',
    help: [],
    read: anyText,
  } as const;
  const table = {
    vs: { ...value, takesOptions: true },
    name: value,
    'skip-silence': { kind: 'switch', section: 'Options', help: [] },
  } as const;
  const { values } = parseOptions(table, ['--vs', '--skip-silence']);
  assert.deepEqual({ ...values }, { vs: '--skip-silence' });
  assert.throws(() => parseOptions(table, ['--name', '--skip-silence']), { message: /found the option/ });
  assert.throws(() => parseOptions(table, ['--vs']), { message: /found the end of the command line/ });
});

test('decimal numbers keep to their range', () => {
  const read = decimalNumber(1, 300, 'seconds');
  for (const good of ['1', '1.0', '2.5', '300', '299.999']) assert.equal(read(good, '-s'), Number(good));
  for (const bad of ['0.999', '300.01', '-1', 'x', '', 'NaN', 'Infinity', '1e2', '.']) {
    assert.throws(() => read(bad, '-s'), {
      message: `-s: expected seconds from 1 to 300, found ${JSON.stringify(bad)}`,
    });
  }
});

test('words must be among the known ones', () => {
  assert.equal(oneOf(['0', '1'])('1', '-w'), '1');
  assert.throws(() => oneOf(['0', '1'])('2', '-w'), { message: '-w: expected 0 or 1, found "2"' });
});

function refuses(args: readonly string[], message: string): void {
  assert.throws(
    () => parseOptions(TABLE, args),
    (error) => error instanceof QwenAsrError && error.code === 'usage' && error.message === message,
    `${args.join(' ')}: ${message}`,
  );
}

import { parseArgs } from 'node:util';
import type { OptionReader } from '../bench/settings/optionValues.js';
import { QwenAsrError } from '../error.js';

interface Described {
  /** One letter, without the dash. */
  readonly short?: string;
  /** Help text, a line each. */
  readonly help: readonly string[];
  /** Heading that the help lists the option under. */
  readonly section: string;
}

/** An option without a value. */
export interface SwitchOption extends Described {
  readonly kind: 'switch';
  /** Nothing after it is looked at: `-h` and `--version` work on any command line. */
  readonly endsParsing?: boolean;
}

/** An option with a value. */
export interface ValueOption<Value> extends Described {
  readonly kind: 'value';
  /** What the help calls the value, for example `N`; shells complete files for `FILE` and `PATH`, folders for `DIR`. */
  readonly placeholder: string;
  readonly read: OptionReader<Value>;
  /** Given several times, all values count, in their order. */
  readonly repeatable?: boolean;
  /** Its value may be an option: of another command line. */
  readonly takesOptions?: boolean;
}

/** All options of a command, by long name: the one source of its parser, its help and its shell completion. */
export type OptionTable = Readonly<Record<string, SwitchOption | ValueOption<unknown>>>;

/** What the user gave: `true` for a switch, the converted value otherwise; absent when not given. */
export type OptionValues<Table extends OptionTable> = {
  readonly [Name in keyof Table]?: Table[Name] extends ValueOption<infer Value>
    ? Table[Name] extends { readonly repeatable: true }
      ? readonly Value[]
      : Value
    : true;
};

interface ParsedOptions<Table extends OptionTable> {
  readonly values: OptionValues<Table>;
  readonly positionals: readonly string[];
  /** How many of them stood before a switch, by its name: `A --with B` is 1 for `with`. */
  readonly positionalsBefore: ReadonlyMap<string, number>;
}

type OptionToken = Extract<NonNullable<ReturnType<typeof lex>>[number], { kind: 'option' }>;

/**
 * Reads a command line by a table. The last of a repeated option wins, unless it is `repeatable`.
 *
 * @param maxPositionals how many arguments that belong to no option the command takes.
 * @throws QwenAsrError `usage` for an unknown option, a missing or superfluous value, one that `read` refuses, or an
 *   argument too many.
 *
 * @example
 * const table = { runs: { kind: 'value', short: 'n', placeholder: 'N', section: 'Options', help: [], read: Number } };
 * parseOptions(table, ['-n', '3']).values.runs; // 3
 */
export function parseOptions<Table extends OptionTable>(
  table: Table,
  args: readonly string[],
  maxPositionals = 0,
): ParsedOptions<Table> {
  const values: Record<string, unknown> = {};
  const positionals: string[] = [];
  const positionalsBefore = new Map<string, number>();
  for (const token of lex(table, args)) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (positionals.length > maxPositionals) {
      throw new QwenAsrError('usage', `unexpected argument ${JSON.stringify(positionals.at(-1))}`);
    }
    if (token.kind !== 'option') continue;
    const option = Object.hasOwn(table, token.name) ? table[token.name] : undefined;
    const typed = args[token.index] ?? token.rawName;
    if (option === undefined || isLongWithOneDash(table, typed)) throw unknownOption(table, typed, token);
    const value = readToken(table, option, token);
    const earlier = values[token.name];
    if (option.kind === 'value' && option.repeatable === true) {
      values[token.name] = Array.isArray(earlier) ? [...earlier, value] : [value];
    } else values[token.name] = value;
    if (option.kind !== 'switch') continue;
    if (!positionalsBefore.has(token.name)) positionalsBefore.set(token.name, positionals.length);
    if (option.endsParsing === true) break;
  }
  return { values: values as OptionValues<Table>, positionals, positionalsBefore };
}

/** `-threads 4` would be `-t hreads` to the letter, which nobody means. */
function isLongWithOneDash(table: OptionTable, typed: string): boolean {
  return /^-[a-z]/.test(typed) && typed.length > 2 && Object.hasOwn(table, longNameOf(typed));
}

function unknownOption(table: OptionTable, typed: string, { rawName }: OptionToken): QwenAsrError {
  const meant = nearestWord(longNameOf(typed), Object.keys(table));
  const name = meant === undefined || rawName.startsWith('--') ? rawName : typed.replace(/=.*/s, '');
  const hint = meant === undefined ? '' : ` (did you mean --${meant}?)`;
  return new QwenAsrError('usage', `unknown option ${name}${hint}; -h lists the options`);
}

/** `threads` of `-threads` and of `--threads=4`. */
function longNameOf(typed: string): string {
  return typed.replace(/^--?/, '').replace(/=.*/s, '');
}

/** Node's own lexer, which leaves all judgement to us: its messages would not be ours. */
function lex(table: OptionTable, args: readonly string[]) {
  const options = Object.fromEntries(
    Object.entries(table).map(([name, { kind, short }]) => [
      name,
      { type: kind === 'switch' ? ('boolean' as const) : ('string' as const), ...(short ? { short } : {}) },
    ]),
  );
  return parseArgs({ args: [...args], options, strict: false, allowPositionals: true, tokens: true }).tokens;
}

function readToken(table: OptionTable, option: OptionTable[string], token: OptionToken): unknown {
  const { rawName, value } = token;
  if (option.kind === 'switch') {
    if (value === undefined) return true;
    throw new QwenAsrError('usage', `${rawName}: expected no value, found ${JSON.stringify(value)}`);
  }
  // A forgotten value must not swallow the next option; `-n -5` is still a (wrong) value.
  const mayBeOption = token.inlineValue || option.takesOptions === true;
  if (value === undefined || (!mayBeOption && isOption(table, value))) {
    const found = value === undefined ? 'the end of the command line' : `the option ${value}`;
    throw new QwenAsrError('usage', `${rawName}: expected a value (${option.placeholder}), found ${found}`);
  }
  return option.read(value, rawName);
}

function isOption(table: OptionTable, text: string): boolean {
  return Object.entries(table).some(
    ([name, { short }]) => text === `--${name}` || (short !== undefined && text === `-${short}`),
  );
}

/** A word typed in so few letters can mean anything. */
const FEWEST_LETTERS = 2;

/**
 * The word that somebody probably meant: one that begins as typed, or else the nearest within a third of its letters.
 *
 * @returns undefined when none is near
 * @example
 * nearestWord('langauge', ['json', 'language']); // 'language'
 */
export function nearestWord(typed: string, words: readonly string[]): string | undefined {
  if (typed.length < FEWEST_LETTERS) return undefined;
  const begun = words.filter((word) => word.startsWith(typed));
  if (begun.length > 0) return begun[0];
  const near = words
    .map((word) => ({ word, distance: typingDistance(typed, word) }))
    .filter(({ word, distance }) => distance <= Math.max(1, Math.floor(word.length / 3)))
    .sort((a, b) => a.distance - b.distance);
  return near[0]?.word;
}

/**
 * The fewest letters left out, put in, mistaken or swapped with their neighbour (Damerau 1964, as optimal string
 * alignment).
 */
function typingDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const isSame = a[row - 1] === b[column - 1];
      const isSwapped = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      current[column] = Math.min(
        last[column]! + 1,
        current[column - 1]! + 1,
        last[column - 1]! + (isSame ? 0 : 1),
        ...(isSwapped ? [beforeLast[column - 2]! + 1] : []),
      );
    }
    [beforeLast, last] = [last, current];
  }
  return last[b.length]!;
}

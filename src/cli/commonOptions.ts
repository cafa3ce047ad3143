import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { anyText } from '../bench/optionValues.js';
import { QwenAsrError } from '../error.js';
import type { OptionTable } from './options.js';
import type { CommandContext } from './runCommand.js';

/** How a command names its options in the help. */
interface UsageLayout {
  /** Column at which the help texts begin. */
  readonly column: number;
  /** `short`: `-n N`, as long as there is a short name; `both`: `-n, --runs N`. */
  readonly names: 'short' | 'both';
}

/**
 * The option block of a help text: a heading for each section, in the table's order, and an entry for each option.
 *
 * @example
 * formatOptions(table, ['Options'], { column: 16, names: 'short' }); // "Options:\n  -n N          Number of runs"
 */
export function formatOptions(
  table: OptionTable,
  sections: readonly string[],
  { column, names }: UsageLayout,
): string {
  const blocks = sections.map((section) => {
    const entries = Object.entries(table)
      .filter(([, option]) => option.section === section)
      .flatMap(([name, option]) => {
        const title = `  ${optionTitle(name, option, names)}`;
        // A title that reaches the column stands on a line of its own.
        const [first = '', ...rest] = title.length < column ? option.help : ['', ...option.help];
        return [
          `${title.padEnd(column)}${first}`.trimEnd(),
          ...rest.map((line) => ' '.repeat(column) + line),
        ];
      });
    return [`${section}:`, ...entries].join('\n');
  });
  return blocks.join('\n\n');
}

function optionTitle(name: string, option: OptionTable[string], names: UsageLayout['names']): string {
  const long = `--${name}`;
  const short = option.short === undefined ? undefined : `-${option.short}`;
  const value = option.kind === 'value' ? ` ${option.placeholder}` : '';
  if (short === undefined) return long + value;
  return (names === 'short' ? short : `${short}, ${long}`) + value;
}

/** Breaks a text between words, into lines of at most so many columns. */
export function wrapText(text: string, columns: number): string {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const longer = lines.length === 0 ? word : `${lines.at(-1)} ${word}`;
    if (lines.length > 0 && longer.length <= columns) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines.join('\n');
}

/** Options of every command. */
export function standardOptions<const Section extends string>(section: Section) {
  return {
    version: { kind: 'switch', section, help: ['Print the version'], endsParsing: true },
    help: { kind: 'switch', short: 'h', section, help: ['Print this help'], endsParsing: true },
  } as const satisfies OptionTable;
}

/** Prints what -h or --version asked for; true when there is nothing else to do. */
export function answersStandard(
  values: { readonly help?: true; readonly version?: true },
  usage: () => string,
  { out }: CommandContext,
): boolean {
  if (values.help) out(usage());
  else if (values.version) out(`${version()}\n`);
  return values.help === true || values.version === true;
}

/** The option of every command that reads or keeps baselines. */
export function baselineDirOption<const Section extends string>(section: Section) {
  return {
    'baseline-dir': {
      kind: 'value',
      placeholder: 'DIR',
      section,
      help: ['Where baselines are kept (default: ~/.local/share/qwen-asr/baselines)'],
      read: anyText,
    },
  } as const satisfies OptionTable;
}

/** The version of this package, from the nearest package.json above this file. */
export function version(): string {
  for (
    let folder = dirname(fileURLToPath(import.meta.url));
    folder !== dirname(folder);
    folder = dirname(folder)
  ) {
    const manifest = join(folder, 'package.json');
    if (existsSync(manifest)) return JSON.parse(readFileSync(manifest, 'utf8')).version;
  }
  throw new QwenAsrError('internal', 'the package.json of qwen-asr is missing');
}

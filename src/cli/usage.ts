import { DEFAULT_COLUMNS, textWidth, wrapText } from '../text/textWidth.js';
import type { OptionTable } from './options.js';

/*
 * Help texts. A command describes its help once, as parts in their order; each part knows how to stand in the columns of
 * a terminal.
 */

/** A command's help for a terminal of so many columns; of 80 where nobody knows. */
export type Usage = (columns?: number) => string;

/** A part of a help text, as lines for so many columns. */
export type HelpPart = (columns: number) => readonly string[];

/** A help text of these parts, an empty line between them. */
export function helpOf(...parts: readonly HelpPart[]): Usage {
  return (columns = DEFAULT_COLUMNS) => `${parts.map((part) => part(columns).join('\n')).join('\n\n')}\n`;
}

/** A paragraph. */
export function paragraph(text: string): HelpPart {
  return (columns) => wrapText(text, columns);
}

const USAGE = 'Usage: ';

/** How the command is called, a line for each way. */
export function usageLines(...lines: readonly string[]): HelpPart {
  return (columns) =>
    lines.flatMap((line, index) =>
      hang(index === 0 ? USAGE : ' '.repeat(USAGE.length), wrapText(line, columns - USAGE.length)),
    );
}

/** Names and what they stand for, one below the other. */
export function nameList(pairs: Iterable<readonly [name: string, meaning: string]>): HelpPart {
  const rows = [...pairs];
  const width = Math.max(...rows.map(([name]) => textWidth(name))) + 2;
  return (columns) => rows.flatMap(([name, meaning]) => entry(`  ${name}`, [meaning], width + 2, columns));
}

/**
 * Command lines to try, each with what it is good for: beside it where all of them have room for that, else below. One that
 * is too long for the terminal goes on behind a backslash, so that it can still be copied.
 */
export function examples(...lines: readonly (readonly [command: string, about?: string])[]): HelpPart {
  const described = lines.flatMap(([command, about]) => (about === undefined ? [] : [{ command, about }]));
  const beside = Math.max(0, ...described.map(({ command }) => textWidth(command))) + 4;
  const widest = beside + Math.max(0, ...described.map(({ about }) => textWidth(about)));
  return (columns) => [
    'Examples:',
    ...lines.flatMap(([command, about]) => {
      const typed = continued(command, columns);
      if (about === undefined) return typed;
      if (widest <= columns) return [`${`  ${command}`.padEnd(beside)}${about}`];
      return [...typed, ...wrapText(about, columns - 6).map((line) => `      ${line}`)];
    }),
  ];
}

function continued(command: string, columns: number): string[] {
  if (textWidth(command) <= columns - 2) return [`  ${command}`];
  // What stands in quotes stays together.
  const joined = command.replace(/'[^']*'/g, (quoted) => quoted.replaceAll(' ', '\u00a0'));
  const [first = '', ...rest] = wrapText(joined, columns - 8).map((line) => line.replaceAll('\u00a0', ' '));
  const lines = [`  ${first}`, ...rest.map((line) => `      ${line}`)];
  return lines.map((line, index) => (index < lines.length - 1 ? `${line} \\` : line));
}

/** How a command names its options in the help. */
interface OptionLayout {
  /** Column at which the help texts begin. */
  readonly column: number;
  /** `short`: `-n N`, as long as there is a short name; `both`: `-n, --runs N`. */
  readonly names: 'short' | 'both';
}

/**
 * The options of a table: a heading for each section, in the table's order, and an entry for each option.
 *
 * @example
 * optionList(table, ['Options'], { column: 16, names: 'short' })(80); // ['Options:', '  -n N          Number of runs']
 */
export function optionList(
  table: OptionTable,
  sections: readonly string[],
  { column, names }: OptionLayout,
): HelpPart {
  return (columns) =>
    sections.flatMap((section, index) => [
      ...(index === 0 ? [] : ['']),
      `${section}:`,
      ...Object.entries(table)
        .filter(([, option]) => option.section === section)
        .flatMap(([name, option]) =>
          entry(`  ${optionTitle(name, option, names)}`, option.help, column, columns),
        ),
    ]);
}

function optionTitle(name: string, option: OptionTable[string], names: OptionLayout['names']): string {
  const long = `--${name}`;
  const short = option.short === undefined ? undefined : `-${option.short}`;
  const value = option.kind === 'value' ? ` ${option.placeholder}` : '';
  if (short === undefined) return long + value;
  return (names === 'short' ? short : `${short}, ${long}`) + value;
}

/** Columns that a text beside a title should have at least; else it stands below. */
const NARROWEST_TEXT = 30;

/** A title and its texts: beside it from a column on, or below one that reaches that column. */
function entry(title: string, texts: readonly string[], column: number, columns: number): string[] {
  const indent = columns - column < NARROWEST_TEXT ? 6 : column;
  const lines = texts.flatMap((text) => wrapText(text, columns - indent));
  if (textWidth(title) < indent) return hang(title.padEnd(indent), lines);
  return [title, ...hang(' '.repeat(indent), lines)];
}

/** Lines behind a beginning, those after the first below its end. */
function hang(beginning: string, lines: readonly string[]): string[] {
  const indent = ' '.repeat(textWidth(beginning));
  return lines.map((line, index) => ((index === 0 ? beginning : indent) + line).trimEnd());
}

import type { OptionTable } from './options.js';

/** What a shell needs to complete a command line. */
export interface CompletionSpec {
  readonly program: string;
  /** Options without a sub-command. */
  readonly options: OptionTable;
  /** Whether files may stand there that belong to no option. */
  readonly takesFiles: boolean;
  readonly subcommands: readonly SubcommandSpec[];
}

export interface SubcommandSpec {
  readonly name: string;
  /** One line for the shells that show one. */
  readonly summary: string;
  readonly options: OptionTable;
  /** What its arguments are: files, or one of a few words. */
  readonly takes: 'files' | readonly string[];
}

/** How the value of an option is completed. */
export type ValueCompletion = 'files' | 'folders' | 'none' | readonly string[];

/** One option as shells see it. */
export interface OptionSpec {
  /** `-n` and `--runs`. */
  readonly names: readonly string[];
  readonly help: string;
  readonly repeatable: boolean;
  /** Null for an option without a value. */
  readonly value: { readonly placeholder: string; readonly completion: ValueCompletion } | null;
}

/** The options of a table in its order. */
export function optionSpecs(table: OptionTable): OptionSpec[] {
  return Object.entries(table).map(([name, option]) => ({
    names: [...(option.short === undefined ? [] : [`-${option.short}`]), `--${name}`],
    help: option.help.map((line) => line.trim()).join(' '),
    repeatable: option.kind === 'value' && option.repeatable === true,
    value:
      option.kind === 'switch'
        ? null
        : { placeholder: option.placeholder, completion: option.read.words ?? pathsFor(option.placeholder) },
  }));
}

function pathsFor(placeholder: string): 'files' | 'folders' | 'none' {
  if (placeholder === 'DIR') return 'folders';
  return placeholder === 'FILE' || placeholder === 'PATH' ? 'files' : 'none';
}

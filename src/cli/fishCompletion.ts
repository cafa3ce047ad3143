import { type CompletionSpec, type OptionSpec, optionSpecs, type ValueCompletion } from './completionSpec.js';

/** A completion script for fish: put it into ~/.config/fish/completions, or source it. */
export function fishCompletion({ program, options, takesFiles, subcommands }: CompletionSpec): string {
  const names = subcommands.map(({ name }) => name).join(' ');
  const outside = `not __fish_seen_subcommand_from ${names}`;
  const lines = [
    `# fish completion for ${program}: ${program} completion fish | source`,
    `complete -c ${program} -f`,
    ...(takesFiles ? [`complete -c ${program} -n ${quote(outside)} -F`] : []),
    ...subcommands.map(
      ({ name, summary }) =>
        `complete -c ${program} -n __fish_use_subcommand -a ${name} -d ${quote(summary)}`,
    ),
    ...optionSpecs(options).map((option) => optionLine(program, outside, option)),
    ...subcommands.flatMap(({ name, options: table, takes }) => {
      const inside = `__fish_seen_subcommand_from ${name}`;
      const what = takes === 'files' ? '-F' : `-a ${quote(takes.join(' '))}`;
      return [
        `complete -c ${program} -n ${quote(inside)} ${what}`,
        ...optionSpecs(table).map((option) => optionLine(program, inside, option)),
      ];
    }),
  ];
  return `${lines.join('\n')}\n`;
}

function optionLine(program: string, condition: string, { names, help, value }: OptionSpec): string {
  const flags = names.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`));
  const argument = value === null ? [] : [valueFlags(value.completion)];
  return [`complete -c ${program} -n ${quote(condition)}`, ...flags, ...argument, `-d ${quote(help)}`].join(
    ' ',
  );
}

function valueFlags(what: ValueCompletion): string {
  if (what === 'files') return '-rF';
  if (what === 'folders') return "-xa '(__fish_complete_directories)'";
  return what === 'none' ? '-x' : `-xa ${quote(what.join(' '))}`;
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

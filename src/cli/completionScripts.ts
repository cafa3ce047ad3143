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
type ValueCompletion = 'files' | 'folders' | 'none' | readonly string[];

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

/** A completion script for bash 3.2 and newer: source it, or put it where bash-completion looks. */
export function bashCompletion({ program, options, takesFiles, subcommands }: CompletionSpec): string {
  const names = subcommands.map(({ name }) => name);
  const cases = subcommands.map(
    ({ name, options: table, takes }) => `  ${name})
${indent(valueCases(table), 4)}
    [[ $current == -* ]] && { ${completeIn(allNames(table))}; return; }
    ${completeIn(takes)}
    ;;`,
  );
  const files = takesFiles ? `\n    [[ $current != -* ]] && { ${completeIn('files')}; return; }` : '';
  return `# bash completion for ${program}: source <(${program} completion bash)
_${program}() {
  local IFS=$'\\n' current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} command=
  [[ $COMP_CWORD -gt 1 ]] && command=\${COMP_WORDS[1]}
  COMPREPLY=()
  case $command in
${cases.join('\n')}
  *)
${indent(valueCases(options), 4)}
    [[ $COMP_CWORD -eq 1 && $current != -* ]] && { ${completeIn(names)}; return; }${files}
    ${completeIn(allNames(options))}
    ;;
  esac
}
complete -F _${program} ${program}
`;
}

/** A case for each option with a value: what follows it is completed, and nothing else. */
function valueCases(table: OptionTable): string {
  const cases = optionSpecs(table).flatMap((option: OptionSpec) => {
    if (option.value === null) return [];
    const { completion } = option.value;
    return [
      `${option.names.join('|')}) ${completion === 'none' ? '' : `${completeIn(completion)}; `}return ;;`,
    ];
  });
  return ['case $previous in', ...cases, 'esac'].join('\n');
}

function completeIn(what: ValueCompletion): string {
  // Words are lines here, so that file names may hold spaces; bash quotes file names by itself.
  if (what === 'none') return ':';
  if (what === 'files') {
    return 'compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$current"))';
  }
  if (what === 'folders') {
    return 'compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -d -- "$current"))';
  }
  return `COMPREPLY=($(compgen -W $'${what.join('\\n')}' -- "$current"))`;
}

function allNames(table: OptionTable): string[] {
  return optionSpecs(table).flatMap(({ names }) => names);
}

function indent(text: string, columns: number): string {
  return text.replace(/^/gm, ' '.repeat(columns));
}

/** A completion script for zsh: put it into a folder of $fpath as `_PROGRAM`, or source it. */
export function zshCompletion({ program, options, takesFiles, subcommands }: CompletionSpec): string {
  const described = subcommands.map(({ name, summary }) => quoteZsh(`${escapeColons(name)}:${summary}`));
  const cases = subcommands.map(
    ({ name, options: table, takes }) => `    ${name})
      shift words
      (( CURRENT-- ))
      _arguments -s \\
${specLines(table, 8)}
        ${quoteZsh(`*:argument:${action(takes.length === 0 ? 'none' : takes)}`)}
      ;;`,
  );
  const own = takesFiles
    ? `${specLines(options, 8)}\n        ${quoteZsh('*:file:_files')}`
    : specLines(options, 8).replace(/ \\$/, '');
  return `#compdef ${program}
# zsh completion for ${program}: source <(${program} completion zsh)
_${program}() {
  local -a subcommands=(
    ${described.join('\n    ')}
  )
  if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then
    _describe command subcommands
    return
  fi
  case $words[2] in
${cases.join('\n')}
    *)
      _arguments -s \\
${own}
      ;;
  esac
}
if [[ $funcstack[1] == _${program} ]]; then
  _${program} "$@"
else
  compdef _${program} ${program}
fi
`;
}

/** One `_arguments` specification a line; an option excludes itself and its other name unless it is repeatable. */
function specLines(table: OptionTable, columns: number): string {
  const specs = optionSpecs(table).flatMap((option) => option.names.map((name) => spec(name, option)));
  return specs.map((text) => `${' '.repeat(columns)}${quoteZsh(text)} \\`).join('\n');
}

function spec(name: string, { names, help, repeatable, value }: OptionSpec): string {
  const before = repeatable ? '*' : `(${names.join(' ')})`;
  const explanation = `[${help.replace(/[[\]\\]/g, '\\$&')}]`;
  const after = value === null ? '' : `:${escapeColons(value.placeholder)}:${action(value.completion)}`;
  return `${before}${name}${explanation}${after}`;
}

function action(what: ValueCompletion): string {
  if (what === 'files') return '_files';
  if (what === 'folders') return '_files -/';
  return what === 'none' ? ' ' : `(${what.join(' ')})`;
}

function escapeColons(text: string): string {
  return text.replaceAll(':', '\\:');
}

function quoteZsh(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** A completion script for fish: put it into ~/.config/fish/completions, or source it. */
export function fishCompletion({ program, options, takesFiles, subcommands }: CompletionSpec): string {
  const names = subcommands.map(({ name }) => name).join(' ');
  const outside = `not __fish_seen_subcommand_from ${names}`;
  const lines = [
    `# fish completion for ${program}: ${program} completion fish | source`,
    `complete -c ${program} -f`,
    ...(takesFiles ? [`complete -c ${program} -n ${quoteFish(outside)} -F`] : []),
    ...subcommands.map(
      ({ name, summary }) =>
        `complete -c ${program} -n __fish_use_subcommand -a ${name} -d ${quoteFish(summary)}`,
    ),
    ...optionSpecs(options).map((option) => optionLine(program, outside, option)),
    ...subcommands.flatMap(({ name, options: table, takes }) => {
      const inside = `__fish_seen_subcommand_from ${name}`;
      const what = takes === 'files' ? '-F' : `-a ${quoteFish(takes.join(' '))}`;
      return [
        `complete -c ${program} -n ${quoteFish(inside)} ${what}`,
        ...optionSpecs(table).map((option) => optionLine(program, inside, option)),
      ];
    }),
  ];
  return `${lines.join('\n')}\n`;
}

function optionLine(program: string, condition: string, { names, help, value }: OptionSpec): string {
  const flags = names.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`));
  const argument = value === null ? [] : [valueFlags(value.completion)];
  return [
    `complete -c ${program} -n ${quoteFish(condition)}`,
    ...flags,
    ...argument,
    `-d ${quoteFish(help)}`,
  ].join(' ');
}

function valueFlags(what: ValueCompletion): string {
  if (what === 'files') return '-rF';
  if (what === 'folders') return "-xa '(__fish_complete_directories)'";
  return what === 'none' ? '-x' : `-xa ${quoteFish(what.join(' '))}`;
}

function quoteFish(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

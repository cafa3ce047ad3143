import { type CompletionSpec, type OptionSpec, optionSpecs, type ValueCompletion } from './completionSpec.js';
import type { OptionTable } from './options.js';

/** A completion script for zsh: put it into a folder of $fpath as `_PROGRAM`, or source it. */
export function zshCompletion({ program, options, takesFiles, subcommands }: CompletionSpec): string {
  const described = subcommands.map(({ name, summary }) => quote(`${escapeColons(name)}:${summary}`));
  const cases = subcommands.map(
    ({ name, options: table, takes }) => `    ${name})
      shift words
      (( CURRENT-- ))
      _arguments -s \\
${specLines(table, 8)}
        ${quote(`*:argument:${action(takes.length === 0 ? 'none' : takes)}`)}
      ;;`,
  );
  const own = takesFiles
    ? `${specLines(options, 8)}\n        ${quote('*:file:_files')}`
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
  return specs.map((text) => `${' '.repeat(columns)}${quote(text)} \\`).join('\n');
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

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

import { type CompletionSpec, type OptionSpec, optionSpecs, type ValueCompletion } from './completionSpec.js';
import type { OptionTable } from './options.js';

/** A completion script for bash 3.2 and newer: source it, or put it where bash-completion looks. */
export function bashCompletion({ program, options, takesFiles, subcommands }: CompletionSpec): string {
  const names = subcommands.map(({ name }) => name);
  const cases = subcommands.map(
    ({ name, options: table, takes }) => `  ${name})
${indent(valueCases(table), 4)}
    [[ $current == -* ]] && { ${complete(allNames(table))}; return; }
    ${complete(takes)}
    ;;`,
  );
  const files = takesFiles ? `\n    [[ $current != -* ]] && { ${complete('files')}; return; }` : '';
  return `# bash completion for ${program}: source <(${program} completion bash)
_${program}() {
  local IFS=$'\\n' current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} command=
  [[ $COMP_CWORD -gt 1 ]] && command=\${COMP_WORDS[1]}
  COMPREPLY=()
  case $command in
${cases.join('\n')}
  *)
${indent(valueCases(options), 4)}
    [[ $COMP_CWORD -eq 1 && $current != -* ]] && { ${complete(names)}; return; }${files}
    ${complete(allNames(options))}
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
      `${option.names.join('|')}) ${completion === 'none' ? '' : `${complete(completion)}; `}return ;;`,
    ];
  });
  return ['case $previous in', ...cases, 'esac'].join('\n');
}

function complete(what: ValueCompletion): string {
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

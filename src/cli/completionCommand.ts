import { QwenAsrError } from '../error.js';
import { bashCompletion } from './bashCompletion.js';
import type { CompletionSpec } from './completionSpec.js';
import { EXIT, type ExitCode } from './exitCodes.js';
import { fishCompletion } from './fishCompletion.js';
import { type OptionTable, parseOptions } from './options.js';
import type { CommandContext } from './runCommand.js';
import { answersStandard, standardOptions } from './standardOptions.js';
import { formatOptions } from './usage.js';
import { zshCompletion } from './zshCompletion.js';

const OPTIONS = 'Options';

/** Options of `completion`. */
export const COMPLETION_OPTIONS = { ...standardOptions(OPTIONS) } as const satisfies OptionTable;

/** The shells that there are scripts for. */
export const SHELLS: Readonly<Record<string, (spec: CompletionSpec) => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

/** `completion SHELL` of both commands: prints a script that completes the options of the command. */
export async function completionCommand(spec: CompletionSpec, context: CommandContext): Promise<ExitCode> {
  const { values, positionals } = parseOptions(COMPLETION_OPTIONS, context.args, 1);
  if (answersStandard(values, () => completionUsage(spec), context)) return EXIT.ok;
  const [shell = ''] = positionals;
  const script = Object.hasOwn(SHELLS, shell) ? SHELLS[shell] : undefined;
  if (script === undefined) {
    const found = shell === '' ? 'none' : JSON.stringify(shell);
    throw new QwenAsrError(
      'usage',
      `completion: expected ${Object.keys(SHELLS).join(' or ')}, found ${found}`,
    );
  }
  context.out(script(spec));
  return EXIT.ok;
}

function completionUsage({ program }: CompletionSpec): string {
  return `Usage: ${program} completion bash|zsh|fish

Prints a script that completes the options of ${program}.

${formatOptions(COMPLETION_OPTIONS, [OPTIONS], { column: 16, names: 'both' })}

Examples:
  ${`source <(${program} completion bash)`.padEnd(55)}in ~/.bashrc
  ${`source <(${program} completion zsh)`.padEnd(55)}in ~/.zshrc, after compinit
  ${program} completion fish > ~/.config/fish/completions/${program}.fish
`;
}

import { QwenAsrError } from '../error.js';
import { bashCompletion } from './bashCompletion.js';
import { BENCH_OPTIONS } from './benchOptions.js';
import { COMPARE_OPTIONS } from './compareOptions.js';
import type { CompletionSpec } from './completionSpec.js';
import { EXIT, type ExitCode } from './exitCodes.js';
import { fishCompletion } from './fishCompletion.js';
import { type OptionTable, parseOptions } from './options.js';
import { REPORT_OPTIONS } from './reportOptions.js';
import type { CommandContext } from './runCommand.js';
import { answersStandard, standardOptions } from './standardOptions.js';
import { formatOptions } from './usage.js';
import { zshCompletion } from './zshCompletion.js';

const OPTIONS = 'Options';

const COMPLETION_OPTIONS = { ...standardOptions(OPTIONS) } as const satisfies OptionTable;

const SHELLS: Readonly<Record<string, (spec: CompletionSpec) => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

/** Everything that `qwen_asr_bench` takes, from the tables that read it. */
export const BENCH_COMPLETION: CompletionSpec = {
  program: 'qwen_asr_bench',
  options: BENCH_OPTIONS,
  subcommands: [
    {
      name: 'compare',
      summary: 'Is one result slower than another?',
      options: COMPARE_OPTIONS,
      takes: 'files',
    },
    { name: 'report', summary: 'Saved results in any format', options: REPORT_OPTIONS, takes: 'files' },
    {
      name: 'completion',
      summary: 'Completion script for a shell',
      options: COMPLETION_OPTIONS,
      takes: Object.keys(SHELLS),
    },
  ],
};

/** `qwen_asr_bench completion SHELL`: prints a script that completes this command's options. */
export async function completionCommand(context: CommandContext): Promise<ExitCode> {
  const { values, positionals } = parseOptions(COMPLETION_OPTIONS, context.args, 1);
  if (answersStandard(values, completionUsage, context)) return EXIT.ok;
  const [shell = ''] = positionals;
  const script = Object.hasOwn(SHELLS, shell) ? SHELLS[shell] : undefined;
  if (script === undefined) {
    const found = shell === '' ? 'none' : JSON.stringify(shell);
    throw new QwenAsrError(
      'usage',
      `completion: expected ${Object.keys(SHELLS).join(' or ')}, found ${found}`,
    );
  }
  context.out(script(BENCH_COMPLETION));
  return EXIT.ok;
}

function completionUsage(): string {
  return `Usage: qwen_asr_bench completion bash|zsh|fish

Prints a script that completes the options of qwen_asr_bench.

${formatOptions(COMPLETION_OPTIONS, [OPTIONS], { column: 16, names: 'both' })}

Examples:
  source <(qwen_asr_bench completion bash)                 in ~/.bashrc
  source <(qwen_asr_bench completion zsh)                  in ~/.zshrc, after compinit
  qwen_asr_bench completion fish > ~/.config/fish/completions/qwen_asr_bench.fish
`;
}

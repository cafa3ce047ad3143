import { benchCommand } from './benchCommand.js';
import { compareCommand } from './compareCommand.js';
import { completionCommand } from './completionCommand.js';
import type { ExitCode } from './exitCodes.js';
import { reportCommand } from './reportCommand.js';
import type { Command, CommandContext } from './runCommand.js';

/** What the first argument of qwen_asr_bench may name. */
export const BENCH_SUBCOMMANDS: ReadonlyMap<string | undefined, Command> = new Map([
  ['compare', compareCommand],
  ['report', reportCommand],
  ['completion', completionCommand],
]);

/** qwen_asr_bench: its first argument may name a sub-command; without one it measures. */
export async function benchProgram(context: CommandContext): Promise<ExitCode> {
  const [name, ...rest] = context.args;
  const subcommand = BENCH_SUBCOMMANDS.get(name);
  return subcommand === undefined ? benchCommand(context) : subcommand({ ...context, args: rest });
}

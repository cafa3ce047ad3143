import { benchCommand } from './benchCommand.js';
import { compareCommand } from './compareCommand.js';
import { BENCH_COMPLETION, completionCommand } from './completionCommand.js';
import { loadCommand } from './loadCommand.js';
import { reportCommand } from './reportCommand.js';
import { type Command, type CommandContext, type ExitCode, runSubcommand } from './runCommand.js';

/** What the first argument of qwen_asr_bench may name. */
export const BENCH_SUBCOMMANDS: ReadonlyMap<string, Command> = new Map([
  ['compare', compareCommand],
  ['report', reportCommand],
  ['serve', loadCommand],
  ['completion', (context) => completionCommand(BENCH_COMPLETION, context)],
]);

/** qwen_asr_bench: its first argument may name a sub-command; without one it measures. */
export async function benchProgram(context: CommandContext): Promise<ExitCode> {
  return runSubcommand(BENCH_SUBCOMMANDS, benchCommand, context);
}

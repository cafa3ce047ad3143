import { checkCommand } from './checkCommand.js';
import type { ExitCode } from './exitCodes.js';
import { quantizeCommand } from './quantizeCommand.js';
import type { Command, CommandContext } from './runCommand.js';
import { synthesizeCommand } from './synthesizeCommand.js';
import { transcribeCommand } from './transcribeCommand.js';

const SUBCOMMANDS: ReadonlyMap<string | undefined, Command> = new Map([
  ['transcribe', transcribeCommand],
  ['check', checkCommand],
  ['quantize', quantizeCommand],
  ['synthesize', synthesizeCommand],
]);

/** qwen_asr: its first argument may name a sub-command; without one it transcribes. */
export async function asrCommand(context: CommandContext): Promise<ExitCode> {
  const [name, ...rest] = context.args;
  const subcommand = SUBCOMMANDS.get(name);
  return subcommand === undefined ? transcribeCommand(context) : subcommand({ ...context, args: rest });
}

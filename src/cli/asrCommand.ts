import { alignCommand } from './alignCommand.js';
import { ASR_COMPLETION, completionCommand } from './completionCommand.js';
import { doctorCommand } from './doctorCommand.js';
import { listCommand, pullCommand, removeCommand } from './hubCommands.js';
import { checkCommand, quantizeCommand, synthesizeCommand } from './modelCommands.js';
import { type Command, type CommandContext, type ExitCode, runSubcommand } from './runCommand.js';
import { serveCommand } from './serveCommand.js';
import { transcribeCommand } from './transcribeCommand.js';
import { workerCommand } from './workerCommand.js';

/** What the first argument of qwen_asr may name. */
export const ASR_SUBCOMMANDS: ReadonlyMap<string, Command> = new Map([
  ['transcribe', transcribeCommand],
  ['align', alignCommand],
  ['serve', serveCommand],
  ['worker', workerCommand],
  ['pull', pullCommand],
  ['list', listCommand],
  ['remove', removeCommand],
  ['check', checkCommand],
  ['doctor', doctorCommand],
  ['quantize', quantizeCommand],
  ['synthesize', synthesizeCommand],
  ['completion', (context) => completionCommand(ASR_COMPLETION, context)],
]);

/** qwen_asr: its first argument may name a sub-command; without one it transcribes. */
export async function asrCommand(context: CommandContext): Promise<ExitCode> {
  return runSubcommand(ASR_SUBCOMMANDS, transcribeCommand, context);
}

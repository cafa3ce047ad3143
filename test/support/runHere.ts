import { asrCommand } from '../../src/cli/asrCommand.js';
import { benchProgram } from '../../src/cli/benchProgram.js';
import { EXIT, messageWithFlags } from '../../src/cli/runCommand.js';
import { QwenAsrError } from '../../src/error.js';
import { printableLine } from '../../src/printable.js';
import { projectRoot } from './projectRoot.js';
import { type CLI_ENTRIES, type CliOutcome, FALLBACK_NOTE, runCli } from './runCli.js';

const COMMANDS = { qwen_asr: asrCommand, qwen_asr_bench: benchProgram } as const;

/**
 * Runs a command as runCli does but in this process, which spares the tests its start and its compiling: for what it
 * prints and returns. Signals, pipes and crashes are those of a process, and need runCli; so does standard input, which
 * here is the test runner's.
 */
export async function runHere(
  command: keyof typeof CLI_ENTRIES,
  args: readonly string[],
  signal: AbortSignal = new AbortController().signal,
): Promise<CliOutcome> {
  if (args.includes('-')) return runCli(command, args);
  process.chdir(projectRoot);
  let stdout = '';
  let stderr = '';
  const out = (text: string): void => {
    stdout += text;
  };
  const err = (text: string): void => {
    stderr += text;
  };
  let code: number;
  try {
    const context = { args, signal, out, err, outIsTerminal: false, errIsTerminal: false };
    code = await COMMANDS[command](context);
  } catch (error) {
    if (!(error instanceof QwenAsrError)) throw error;
    err(`error: ${printableLine(messageWithFlags(error, args))}\n`);
    code = EXIT.error;
  }
  return { code, stdout, stderr: stderr.replace(FALLBACK_NOTE, '') };
}

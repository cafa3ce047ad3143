import { benchCommand } from '../../src/cli/benchCommand.js';
import { EXIT } from '../../src/cli/exitCodes.js';
import { QwenAsrError } from '../../src/error.js';
import { type CliOutcome, FALLBACK_NOTE } from './runCli.js';

/** `qwen_asr_bench` in this process, which spares the tests its start; signals and exit codes of signals are not its own. */
export async function runBench(args: readonly string[], signal?: AbortSignal): Promise<CliOutcome> {
  let stdout = '';
  let stderr = '';
  const err = (text: string): void => {
    stderr += text;
  };
  let code: number;
  try {
    code = await benchCommand({
      args,
      signal: signal ?? new AbortController().signal,
      out: (text) => {
        stdout += text;
      },
      err,
      outIsTerminal: false,
      errIsTerminal: false,
    });
  } catch (error) {
    if (!(error instanceof QwenAsrError)) throw error;
    err(`error: ${error.message}\n`);
    code = EXIT.error;
  }
  return { code, stdout, stderr: stderr.replace(FALLBACK_NOTE, '') };
}

import type { CliOutcome } from './runCli.js';
import { runHere } from './runHere.js';

/** `qwen_asr_bench` in this process. */
export function runBench(args: readonly string[], signal?: AbortSignal): Promise<CliOutcome> {
  return runHere('qwen_asr_bench', args, signal);
}

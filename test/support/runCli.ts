import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { projectRoot } from './projectRoot.js';

/** The compiled entry of each command, beside this compiled test. */
export const CLI_ENTRIES = {
  qwen_asr: fileURLToPath(new URL('../../src/cli/qwenAsr.js', import.meta.url)),
  qwen_asr_bench: fileURLToPath(new URL('../../src/cli/qwenAsrBench.js', import.meta.url)),
} as const;

export interface CliOutcome {
  /** Exit code; null when a signal killed the process. */
  readonly code: number | null;
  readonly stdout: string;
  /** Less the note that this machine cannot run machine code, which depends on the machine alone. */
  readonly stderr: string;
}

export interface CliOptions {
  /** Bytes for standard input; it is empty by default, and null leaves it open. */
  readonly input?: Uint8Array | null;
  readonly env?: Readonly<Record<string, string>>;
  /** Sees the running process and all of standard output so far, whenever some arrives. */
  readonly onOutput?: (stdout: string, child: ChildProcess) => void;
  /** Sees the process right after it started. */
  readonly onStart?: (child: ChildProcess) => void;
}

/** Longest time that any command of the tests may take, twenty times what it needs on a quiet machine; it is killed then and its code is null. */
const LIMIT_MS = 180_000;

/** chooseBackend's note, as the commands print it. */
export const FALLBACK_NOTE = /^note: WebAssembly instead of machine code.*\n/m;

/** Runs a command as a user does, in the project's folder. */
export function runCli(
  command: keyof typeof CLI_ENTRIES,
  args: readonly string[],
  { input, env, onOutput, onStart }: CliOptions = {},
): Promise<CliOutcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [CLI_ENTRIES[command], ...args], {
      cwd: projectRoot,
      env: { ...process.env, ...env },
      timeout: LIMIT_MS,
      killSignal: 'SIGKILL',
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text;
      onOutput?.(stdout, child);
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      stderr += text;
    });
    // A command that ends without reading its input closes the pipe, which is its right.
    child.stdin.on('error', () => {});
    if (input !== null) child.stdin.end(input);
    child
      .on('error', reject)
      .on('close', (code) => resolve({ code, stdout, stderr: stderr.replace(FALLBACK_NOTE, '') }));
    onStart?.(child);
  });
}

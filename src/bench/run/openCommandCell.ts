import { spawn } from 'node:child_process';
import { QwenAsrError } from '../../error.js';
import type { CommandCellPlan } from '../plan/benchPlan.js';
import { isWholeProcess, type RunRecord } from '../schema/runRecord.js';
import { parseClassicLines } from '../text/classicText.js';
import type { BenchmarkAudio } from './benchmarkAudio.js';
import type { CellSession, OpenCellOptions } from './cellSession.js';
import { transcriptIn } from './commandTranscript.js';
import { type CommandValues, type FilledCommand, fillCommand } from './fillCommand.js';
import { BLANK_RUN } from './recordRun.js';
import { framesOf } from './segmentedRun.js';

/** Output beyond this cannot be that of a benchmark; it is not kept. */
const MOST_OUTPUT = 1_000_000;

/** A command that has been tried. */
export interface CommandSession extends CellSession {
  /** What it printed is a benchmark's figures, which leave out starting and loading as ours do. */
  readonly tellsFigures: boolean;
}

/**
 * A cell that runs another engine's command through the shell. When it prints the classic lines, its own figures are
 * used; else its wall time is known, from its start to its end. It is tried before anything is measured, and that is
 * its first run: where nothing warms up, nobody asks for it.
 *
 * @throws QwenAsrError `file` when it fails
 */
export async function openCommandCell(
  plan: CommandCellPlan,
  values: CommandValues,
  audio: BenchmarkAudio,
  { signal, warmup }: Pick<OpenCellOptions, 'signal'> & { readonly warmup: boolean },
): Promise<CommandSession> {
  const command = fillCommand(plan.command, values);
  const trial = await runCommand(command, signal);
  let first: RunRecord | null = warmup ? trial : null;
  return {
    tellsFigures: !isWholeProcess(trial),
    facts: {
      model: null,
      exactTokens: null,
      durationMs: audio.durationMs,
      frames: framesOf(audio.samples.length),
      segments: null,
      setup: { loadMs: null, audioDecodeMs: null, resampleMs: null, memory: null },
      notes: [],
    },
    run: async () => {
      const run = first ?? (await runCommand(command, signal));
      first = null;
      return run;
    },
    work: () => [],
    measureCeilings: async () => null,
    close: async () => {},
  };
}

async function runCommand(command: FilledCommand, signal: AbortSignal | undefined): Promise<RunRecord> {
  const startedAt = new Date().toISOString();
  const startMs = performance.now();
  const { stdout, output } = await outputOf(command, signal);
  const commandMs = performance.now() - startMs;
  const figures = parseClassicLines(output);
  return {
    ...BLANK_RUN,
    startedAt,
    totalMs: figures?.totalMs ?? commandMs,
    commandMs,
    encodeMs: figures?.encodeMs ?? null,
    decodeMs: figures?.decodeMs ?? null,
    textTokens: figures?.tokens ?? null,
    // A benchmark prints no transcript.
    text: figures === null ? transcriptIn(stdout) : null,
  };
}

/** What a command printed. */
interface CommandOutput {
  readonly stdout: string;
  /** Standard output and standard error, in the order they came. */
  readonly output: string;
}

/**
 * Runs a command.
 *
 * @throws QwenAsrError `file` when it fails, with the last line of what it said; `aborted`
 */
function outputOf(
  { command, variables }: FilledCommand,
  signal: AbortSignal | undefined,
): Promise<CommandOutput> {
  return new Promise((resolve, reject) => {
    // A process group of its own, so that what the shell started ends with it.
    const detached = process.platform !== 'win32';
    const child = spawn(command, {
      shell: true,
      env: { ...process.env, ...variables },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached,
    });
    let stdout = '';
    let output = '';
    const keep = (text: string): void => {
      if (output.length < MOST_OUTPUT) output += text;
    };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (stdout.length < MOST_OUTPUT) stdout += text;
      keep(text);
    });
    child.stderr.setEncoding('utf8').on('data', keep);
    const stop = (): void => {
      if (child.pid === undefined || !detached) child.kill('SIGKILL');
      else killGroup(child.pid);
    };
    if (signal?.aborted) stop();
    signal?.addEventListener('abort', stop, { once: true });
    const finish = (settle: () => void): void => {
      signal?.removeEventListener('abort', stop);
      settle();
    };
    child.on('error', (cause) =>
      finish(() => reject(new QwenAsrError('file', `--vs-cmd: ${cause.message}`, { cause }))),
    );
    child.on('close', (code, killedBy) =>
      finish(() => {
        if (signal?.aborted) reject(signal.reason);
        else if (code === 0) resolve({ stdout, output });
        else reject(failure(command, code ?? killedBy, output));
      }),
    );
  });
}

function killGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

function failure(command: string, status: number | string | null, output: string): QwenAsrError {
  const lastLine = output.trimEnd().split('\n').at(-1) ?? '';
  return new QwenAsrError(
    'file',
    `--vs-cmd: expected exit code 0 of ${JSON.stringify(command)}, found ${status}${lastLine === '' ? '' : `: ${lastLine.trim()}`}`,
  );
}

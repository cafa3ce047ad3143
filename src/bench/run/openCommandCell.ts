import { spawn } from 'node:child_process';
import { QwenAsrError } from '../../error.js';
import type { CommandCellPlan } from '../plan/benchPlan.js';
import type { RunRecord } from '../schema/runRecord.js';
import { framesOf } from './audioCuts.js';
import type { BenchmarkAudio } from './benchmarkAudio.js';
import type { CellSession, OpenCellOptions } from './cellSession.js';
import { BLANK_RUN } from './recordRun.js';
import { parseSeedLines } from './seedLines.js';

/** Output beyond this cannot be that of a benchmark; it is not kept. */
const MOST_OUTPUT = 1_000_000;

/** What {audio}, {model} and {threads} stand for. */
export interface CommandValues {
  readonly audio: string;
  readonly model: string;
  readonly threads: number;
}

/** Puts the values in place of the placeholders, quoted for the shell where they need it. */
export function fillCommand(command: string, values: CommandValues): string {
  return command.replace(/\{(audio|model|threads)\}/g, (_, name: keyof CommandValues) =>
    quote(String(values[name])),
  );
}

/** @throws QwenAsrError `usage` for an empty command or a placeholder there is not */
export function checkCommand(command: string): void {
  if (command.trim() === '')
    throw new QwenAsrError('usage', '--vs-cmd: expected a command, found an empty one');
  for (const [placeholder, name] of command.matchAll(/(?<!\$)\{([a-z_]*)\}/gi)) {
    if (['audio', 'model', 'threads'].includes(name ?? '')) continue;
    throw new QwenAsrError(
      'usage',
      `--vs-cmd: expected the placeholders {audio}, {model} and {threads}, found ${placeholder} (put blanks inside braces of the shell)`,
    );
  }
}

/**
 * A cell that runs another engine's command through the shell. Its wall time is measured; when it prints the seed's
 * lines, its own figures are used, because they leave out starting and loading as ours do.
 */
export function openCommandCell(
  plan: CommandCellPlan,
  values: CommandValues,
  audio: BenchmarkAudio,
  { signal }: OpenCellOptions,
): CellSession {
  const command = fillCommand(plan.command, values);
  return {
    facts: {
      model: null,
      exactTokens: null,
      durationMs: audio.durationMs,
      frames: framesOf(audio.samples.length),
      segments: null,
      setup: { loadMs: null, audioDecodeMs: null, resampleMs: null, memory: null },
      notes: [],
    },
    run: () => runCommand(command, signal),
    work: () => [],
    measureCeilings: async () => null,
    close: async () => {},
  };
}

async function runCommand(command: string, signal: AbortSignal | undefined): Promise<RunRecord> {
  const startedAt = new Date().toISOString();
  const startMs = performance.now();
  const output = await outputOf(command, signal);
  const commandMs = performance.now() - startMs;
  const figures = parseSeedLines(output);
  return {
    ...BLANK_RUN,
    startedAt,
    totalMs: figures?.totalMs ?? commandMs,
    commandMs,
    encodeMs: figures?.encodeMs ?? null,
    decodeMs: figures?.decodeMs ?? null,
    textTokens: figures?.tokens ?? null,
  };
}

/**
 * Standard output and standard error of a command, in the order they came.
 *
 * @throws QwenAsrError `file` when it fails, with the last line of what it said; `aborted`
 */
function outputOf(command: string, signal: AbortSignal | undefined): Promise<string> {
  return new Promise((resolve, reject) => {
    // A process group of its own, so that what the shell started ends with it.
    const detached = process.platform !== 'win32';
    const child = spawn(command, { shell: true, stdio: ['ignore', 'pipe', 'pipe'], detached });
    let output = '';
    const keep = (text: string): void => {
      if (output.length < MOST_OUTPUT) output += text;
    };
    child.stdout.setEncoding('utf8').on('data', keep);
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
        else if (code === 0) resolve(output);
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

/** For sh; the command interpreter of Windows takes double quotes. */
function quote(text: string): string {
  if (/^[\w@%+=:,./\\-]+$/.test(text)) return text;
  return process.platform === 'win32' ? `"${text}"` : `'${text.replaceAll("'", `'\\''`)}'`;
}

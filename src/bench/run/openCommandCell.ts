import { spawn } from 'node:child_process';
import { QwenAsrError } from '../../error.js';
import type { CommandCellPlan } from '../plan/benchPlan.js';
import { isWholeProcess, type RunRecord } from '../schema/runRecord.js';
import { parseClassicLines } from '../text/classicText.js';
import type { BenchmarkAudio, CellSession, OpenCellOptions } from './cellSession.js';
import { transcriptIn } from './commandTranscript.js';
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
  const trial = await runShell(command, signal);
  let first: RunRecord | null = warmup ? trial : null;
  return {
    tellsFigures: !isWholeProcess(trial),
    facts: {
      model: null,
      exactTokens: null,
      durationMs: audio.durationMs,
      frames: framesOf(audio.samples.length),
      segments: null,
      offline: null,
      setup: { loadMs: null, audioDecodeMs: null, resampleMs: null, memory: null },
      notes: [],
    },
    run: async () => {
      const run = first ?? (await runShell(command, signal));
      first = null;
      return run;
    },
    work: () => [],
    measureCeilings: async () => null,
    close: async () => {},
  };
}

async function runShell(command: FilledCommand, signal: AbortSignal | undefined): Promise<RunRecord> {
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

/** What {audio}, {model} and {threads} stand for. */
export interface CommandValues {
  readonly audio: string;
  readonly model: string;
  readonly threads: number;
}

/** A command for the shell, and the variables that it reads. */
export interface FilledCommand {
  readonly command: string;
  readonly variables: Readonly<Record<string, string>>;
}

type Name = keyof CommandValues;

const VARIABLES = { audio: 'QWEN_ASR_BENCH_AUDIO', model: 'QWEN_ASR_BENCH_MODEL' } as const;

const PLACEHOLDER = /\{(audio|model|threads)\}/y;

/** Text that means itself to every shell and inside every kind of quotes. */
const PLAIN = /^[\w@%+=:,./-]+$/;

/** What the characters of a command stand in: nothing, quotes, or a substitution, which is a command of its own. */
type ShellContext = 'bare' | 'single' | 'double' | 'substitution' | 'backticks';

/**
 * Puts the values in place of the placeholders. Names of plain characters stand in the command as they are. Any other
 * is a variable of the environment that the command reads, quoted for the quotes that it stands in: what a shell has
 * put in for a variable it does not read as a command again, so that no name can run anything or fall apart, be there
 * blanks, quotes, `$()`, backslashes or line feeds in it.
 *
 * @throws QwenAsrError `usage` where such a name would become part of a script, as in `sh -c "other {audio}"`
 * @example
 * fillCommand('other "{audio}"', { audio: 'a b.wav', model: 'm', threads: 1 }).command; // 'other "${QWEN_ASR_BENCH_AUDIO}"'
 */
export function fillCommand(command: string, values: CommandValues): FilledCommand {
  const variables: Record<string, string> = {};
  const open: { readonly context: ShellContext; readonly quoted: string }[] = [];
  let filled = '';
  for (let at = 0; at < command.length; ) {
    const { context, quoted } = open.at(-1) ?? { context: 'bare', quoted: '' };
    PLACEHOLDER.lastIndex = at;
    const name = command[at - 1] === '$' ? undefined : PLACEHOLDER.exec(command)?.[1];
    if (name !== undefined) {
      filled += valueIn(context, name as Name, quoted, values, command, variables);
      at += name.length + 2;
      continue;
    }
    const step = stepOf(command, at, context);
    if (step.leaves) open.pop();
    if (step.enters !== undefined) open.push({ context: step.enters, quoted: quotedText(command, at) });
    filled += command.slice(at, at + step.length);
    at += step.length;
  }
  return { command: filled, variables };
}

/** @throws QwenAsrError `usage` for an empty command or a placeholder there is not */
export function checkCommandTemplate(command: string): void {
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

function valueIn(
  context: ShellContext,
  name: Name,
  quoted: string,
  values: CommandValues,
  command: string,
  variables: Record<string, string>,
): string {
  if (name === 'threads') return String(values.threads);
  // A name that begins with a hyphen would be taken for an option.
  const value = values[name].startsWith('-') ? `./${values[name]}` : values[name];
  if (PLAIN.test(value)) return value;
  if (process.platform === 'win32') return context === 'bare' ? `"${value}"` : value;
  const inQuotes = context === 'single' || context === 'double';
  if ((inQuotes && isScript(quoted)) || /(?:^|[\s;&|(])eval\s/.test(command)) {
    throw new QwenAsrError(
      'usage',
      `--vs-cmd: expected {${name}} as a word of its own, because of the characters in ${JSON.stringify(value)}, found it in the script ${JSON.stringify(inQuotes ? quoted : command)}`,
    );
  }
  variables[VARIABLES[name]] = value;
  const variable = `\${${VARIABLES[name]}}`;
  if (context === 'double') return variable;
  return context === 'single' ? `'"${variable}"'` : `"${variable}"`;
}

/** Whether a quoted text, its placeholders apart, has what a word has not: then something may read it as a command. */
function isScript(text: string): boolean {
  return /[\s;|&<>`]|\$\(/.test(text.replace(/\{(?:audio|model|threads)\}/g, ''));
}

interface Step {
  readonly length: number;
  readonly leaves?: boolean;
  readonly enters?: ShellContext;
}

/** One character, or two that belong together, as the POSIX shell reads them. */
function stepOf(command: string, at: number, context: ShellContext): Step {
  const character = command[at];
  if (context === 'single') return { length: 1, leaves: character === "'" };
  if (character === '\\') return { length: 2 };
  if (character === '"')
    return context === 'double' ? { length: 1, leaves: true } : { length: 1, enters: 'double' };
  if (character === '`')
    return context === 'backticks' ? { length: 1, leaves: true } : { length: 1, enters: 'backticks' };
  if (command.startsWith('$(', at)) return { length: 2, enters: 'substitution' };
  if (context === 'double') return { length: 1 };
  if (character === "'") return { length: 1, enters: 'single' };
  if (character === '(') return { length: 1, enters: 'substitution' };
  if (character === ')') return { length: 1, leaves: context === 'substitution' };
  return { length: 1 };
}

/** From a quote to the one that closes it, without either; empty for what is no quote. */
function quotedText(command: string, at: number): string {
  const pattern = /'([^']*)|"((?:[^"\\]|\\.)*)/sy;
  pattern.lastIndex = at;
  const [, single, double] = pattern.exec(command) ?? [];
  return single ?? double ?? '';
}

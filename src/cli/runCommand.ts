import { existsSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { QwenAsrError } from '../error.js';
import { printableLine } from '../printable.js';
import { nearestWord } from './options.js';

/** Exit codes of both commands; the table in README.md is the same. */
export const EXIT = {
  ok: 0,
  error: 1,
  /** A comparison that was asked for failed. */
  compare: 3,
  /** 128 + SIGINT. */
  interrupted: 130,
  /** 128 + SIGTERM. */
  terminated: 143,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** What a command sees of the process it runs in. */
export interface CommandContext {
  readonly args: readonly string[];
  /** Fires at the first SIGINT or SIGTERM: stop soon, say what was finished. */
  readonly signal: AbortSignal;
  /** Results. */
  readonly out: (text: string) => void;
  /** Messages and progress. */
  readonly err: (text: string) => void;
  /** A person is watching: results may appear bit by bit. */
  readonly outIsTerminal: boolean;
  /** Progress may be drawn: a terminal that can move its cursor, and no CI log. */
  readonly errIsTerminal: boolean;
  /**
   * From here on a reader of the output that leaves does not end the process: there are files to write, or an exit code
   * that somebody waits for. What would have been written is dropped.
   */
  readonly outliveReader?: () => void;
  /** A signal is how this command comes to its end: its own exit code is told then, 0 when all went well. */
  readonly endsBySignal?: () => void;
  /**
   * The next SIGINT calls `handler` and nothing else: there is something to end before the command does. The one after it
   * stops the command as always.
   *
   * @returns a function that takes it back
   */
  readonly onInterrupt?: (handler: () => void) => () => void;
}

/** A command: returns its exit code, or throws what the user should read. */
export type Command = (context: CommandContext) => Promise<ExitCode>;

/** SIGBREAK is Ctrl-Break of Windows, which has no SIGTERM. */
const SIGNAL_EXIT = {
  SIGINT: EXIT.interrupted,
  SIGTERM: EXIT.terminated,
  SIGBREAK: EXIT.terminated,
} as const;

/**
 * Runs a command as the main program: one line for every error, no stack traces (but for QWEN_ASR_DEBUG=1), quiet
 * ends for closed pipes and signals, and the exit codes of the README. A second signal ends the process at once.
 *
 * @param load imports the command: nothing else may take long before signals are caught, or Ctrl-C would kill
 */
export async function runCommand(load: () => Promise<Command>): Promise<void> {
  const controller = new AbortController();
  let received: ExitCode | undefined;
  let interrupt: (() => void) | undefined;
  for (const name of ['SIGINT', 'SIGTERM', 'SIGBREAK'] as const) {
    if (name === 'SIGBREAK' && process.platform !== 'win32') continue;
    process.on(name, () => {
      if (name === 'SIGINT' && interrupt !== undefined) {
        interrupt();
        interrupt = undefined;
        return;
      }
      if (received !== undefined) process.exit(SIGNAL_EXIT[name]);
      received = SIGNAL_EXIT[name];
      controller.abort(new QwenAsrError('aborted', `stopped by ${name}`));
    });
  }
  // The reader of our output left, as `| head -1` does: nobody is left to tell, and mostly nothing to do.
  let outlivesReader = false;
  let endsBySignal = false;
  let code: ExitCode | undefined;
  const left = new Set<NodeJS.WriteStream>();
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (left.has(stream)) return;
      if (error.code === 'EPIPE') {
        left.add(stream);
        return outlivesReader ? undefined : process.exit(code ?? EXIT.ok);
      }
      if (stream === process.stdout) {
        report(new QwenAsrError('file', `standard output: cannot be written (${error.code})`));
      }
      process.exit(EXIT.error);
    });
  }
  process.on('uncaughtException', (error) => {
    report(error);
    process.exit(EXIT.error);
  });
  const writerOf = (stream: NodeJS.WriteStream) => (text: string) => {
    if (!left.has(stream)) stream.write(text);
  };
  try {
    const command = await load();
    controller.signal.throwIfAborted();
    code = await command({
      args: process.argv.slice(2),
      signal: controller.signal,
      out: writerOf(process.stdout),
      err: writerOf(process.stderr),
      outliveReader: () => {
        outlivesReader = true;
      },
      endsBySignal: () => {
        endsBySignal = true;
      },
      onInterrupt: (handler) => {
        interrupt = handler;
        return () => {
          interrupt = undefined;
        };
      },
      outIsTerminal: process.stdout.isTTY === true,
      errIsTerminal: process.stderr.isTTY === true && canDraw(process.env),
    });
  } catch (error) {
    code = EXIT.error;
    if (received === undefined || endsBySignal) report(error);
  }
  process.exitCode = endsBySignal ? code : (received ?? code);
  await Promise.all([process.stdout, process.stderr].map(writtenOut));
  // An error of the last write is told in the event loop's next turn.
  await setImmediate();
  // Rather than to let Node come to its end: it takes the handlers down first, and a second Ctrl-C would kill.
  process.exit();
}

/** Resolves when nothing that was written waits in memory. */
function writtenOut(stream: NodeJS.WriteStream): Promise<void> {
  if (stream.writableLength === 0) return Promise.resolve();
  return new Promise((resolve) => stream.write('', () => resolve()));
}

/** Whether the terminal is one that a line can be drawn anew on. CI systems set CI, and keep every line. */
export function canDraw({ CI, TERM }: Readonly<Record<string, string | undefined>>): boolean {
  return (CI === undefined || CI === '' || CI === 'false') && TERM !== 'dumb';
}

function report(error: unknown): void {
  process.stderr.write(`error: ${describeError(error)}\n`);
  if (process.env['QWEN_ASR_DEBUG'] === '1' && error instanceof Error)
    process.stderr.write(`${error.stack}\n`);
}

function describeError(error: unknown): string {
  if (error instanceof QwenAsrError) return printableLine(messageWithFlags(error, process.argv.slice(2)));
  const text = error instanceof Error ? error.message : String(error);
  return printableLine(`internal: ${text.replace(/\s*[\r\n]+\s*/g, ' ')}`);
}

/** The flags of options of the library, where they are not called the same. */
const FLAGS: Readonly<Record<string, string>> = {
  context: 'prompt',
  maxTokens: 'max-tokens',
  exactTokens: 'tokens',
  segmentMs: 'segment',
};

/** Flags that have a short name too. */
const SHORT: Readonly<Record<string, string>> = { threads: 't' };

/**
 * An error's line as somebody at a command line should read it: the library names its options (`isa: expected …`), people
 * type flags.
 *
 * @param args the command line, for the way the flag was typed
 * @example
 * messageWithFlags(new QwenAsrError('usage', 'expected 1 or more', { option: 'threads' }), ['-t', '0']); // '-t: expected …'
 */
export function messageWithFlags({ message, option }: QwenAsrError, args: readonly string[]): string {
  if (option === undefined || !message.startsWith(`${option}: `)) return message;
  const long = FLAGS[option] ?? option;
  const short = SHORT[option];
  const typedLong = args.some((arg) => arg === `--${long}` || arg.startsWith(`--${long}=`));
  const flag = short === undefined || typedLong ? `--${long}` : `-${short}`;
  return flag + message.slice(option.length);
}

/**
 * Runs the sub-command that the first argument names, or else the command that has no name.
 *
 * @throws QwenAsrError `usage` for an argument that is no file but nearly a sub-command
 */
export async function runSubcommand(
  subcommands: ReadonlyMap<string, Command>,
  unnamed: Command,
  context: CommandContext,
): Promise<ExitCode> {
  const [name, ...rest] = context.args;
  if (name === undefined || name.startsWith('-')) return unnamed(context);
  const subcommand = subcommands.get(name);
  if (subcommand !== undefined) return subcommand({ ...context, args: rest });
  const meant = existsSync(name) ? undefined : nearestWord(name, [...subcommands.keys()]);
  if (meant === undefined) return unnamed(context);
  throw new QwenAsrError('usage', `unknown sub-command ${name} (did you mean ${meant}?); -h lists them`);
}

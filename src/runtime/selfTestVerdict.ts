import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { cpus, homedir, release } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Longer than an emulated processor needs. */
const LONGEST_MS = 120_000;

/** Set in the process of a self-test: a program that is its own Node would start itself there, and so on. */
const INSIDE_VARIABLE = 'QWEN_ASR_SELF_TEST';

/** What is kept of self-tests, by what they depend on. */
type Verdicts = Readonly<Record<string, Verdict>>;

/** What the program said, or how it crashed; or how often in a row it had no chance to say anything. */
type Verdict = string | Unfinished;

/** Time ran out, as it may on a busy machine, or somebody ended it, as a system without memory does. */
interface Unfinished {
  readonly unfinished: string;
  readonly times: number;
}

/** Ends that say nothing of the machine's code, as a rule: macOS kills by SIGKILL what it may not run. */
const ENDED_BY_OTHERS: readonly (NodeJS.Signals | null)[] = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGKILL'];

/** Code that hangs every time must not hold up every start. */
const MOST_TRIES = 3;

const PASSED = 'passed';
/** Versions and machines that are remembered. */
const MOST_VERDICTS = 20;

export interface SelfTestOptions {
  /** The program, which says `passed` or what is wrong. */
  readonly program: URL;
  /** Where verdicts are kept. */
  readonly file?: string;
  /** Whether it runs, whatever is kept. */
  readonly again?: boolean;
  /** When it is ended. */
  readonly limitMs?: number;
}

/**
 * Whether machine code may be used on this machine: runs the self-test in a process of its own, which it may end, unless a
 * file of the user's cache has its verdict on this version and machine. One that did not finish runs again at the next
 * start, up to three times.
 *
 * @returns null, or one line that says what is wrong
 * @example
 * await selfTestVerdict({ program: new URL('./selfTestProcess.js', import.meta.url) }); // null
 */
export async function selfTestVerdict({
  program,
  file = verdictFile(),
  again = false,
  limitMs = LONGEST_MS,
}: SelfTestOptions): Promise<string | null> {
  if (process.env[INSIDE_VARIABLE] !== undefined) return 'this is the process of a self-test';
  const key = [
    versionOf(program),
    process.platform,
    process.arch,
    release(),
    cpus()[0]?.model,
    process.version,
    process.execPath, // of one version another copy may be signed for less, on macOS
  ].join(' ');
  const kept = readVerdicts(file);
  const known = again ? undefined : kept[key];
  let verdict = known;
  if (verdict === undefined || mayTryAgain(verdict)) {
    verdict = afterEarlier(known, await runSelfTest(program, limitMs));
    keepVerdict(file, kept, key, verdict);
  }
  if (typeof verdict === 'string') return verdict === PASSED ? null : verdict;
  return verdict.unfinished;
}

function mayTryAgain(verdict: Verdict): boolean {
  return typeof verdict !== 'string' && verdict.times < MOST_TRIES;
}

function afterEarlier(earlier: Verdict | undefined, verdict: Verdict): Verdict {
  if (typeof verdict === 'string' || earlier === undefined || typeof earlier === 'string') return verdict;
  return { ...verdict, times: earlier.times + verdict.times };
}

/** Runs the program. @returns its last line, or how it ended */
function runSelfTest(program: URL, limitMs: number): Promise<Verdict> {
  return new Promise((resolve) => {
    let output = '';
    let isLate = false;
    const unfinished = (how: string): void => resolve({ unfinished: how, times: 1 });
    const child = spawn(process.execPath, [fileURLToPath(program)], {
      stdio: ['ignore', 'pipe', 'ignore'],
      // Electron is Node only where it is told so.
      env: { ...process.env, ELECTRON_RUN_AS_NODE: '1', [INSIDE_VARIABLE]: '1' },
      windowsHide: true,
    });
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-1000);
    });
    const limit = setTimeout(() => {
      isLate = true;
      child.kill('SIGKILL'); // code that hangs hears nothing else
    }, limitMs);
    child.on('error', (error) => {
      clearTimeout(limit);
      unfinished(`it cannot be started (${error.message})`);
    });
    child.on('close', (code, signal) => {
      clearTimeout(limit);
      const line = output.trim().split('\n').at(-1) ?? '';
      const end = `it ended with ${signal ?? `code ${code}`}`;
      if (isLate) unfinished(`it did not end within ${limitMs / 1000} s`);
      else if (ENDED_BY_OTHERS.includes(signal)) unfinished(end);
      else resolve(code === 0 && line !== '' ? line : end);
    });
  });
}

/** Below XDG_CACHE_HOME, LOCALAPPDATA of Windows, or ~/.cache. */
function verdictFile(): string {
  const { XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  return join(XDG_CACHE_HOME || LOCALAPPDATA || join(homedir(), '.cache'), 'qwen-asr', 'self-test.json');
}

function readVerdicts(file: string): Verdicts {
  try {
    const found: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return Object.fromEntries(
      Object.entries(Object(found)).filter(([, verdict]) => isVerdict(verdict)),
    ) as Verdicts;
  } catch {
    return {};
  }
}

function isVerdict(found: unknown): found is Verdict {
  if (typeof found === 'string') return true;
  const { unfinished, times } = Object(found);
  return typeof unfinished === 'string' && typeof times === 'number';
}

function keepVerdict(file: string, known: Verdicts, key: string, verdict: Verdict): void {
  const others = Object.entries(known).filter(([other]) => other !== key);
  const entries = [...others, [key, verdict] as const].slice(-MOST_VERDICTS);
  const draft = `${file}.${process.pid}`;
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(draft, `${JSON.stringify(Object.fromEntries(entries), null, 2)}\n`);
    renameSync(draft, file);
  } catch {
    // It runs again the next time.
  }
}

/** Of the package that the program is in. */
function versionOf(program: URL): string {
  try {
    return JSON.parse(readFileSync(new URL('../../../../package.json', program), 'utf8')).version;
  } catch {
    return 'unknown';
  }
}

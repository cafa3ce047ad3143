import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { type CliOptions, type CliOutcome, runCli } from '../support/runCli.js';

/*
 * Ctrl-C and Ctrl-Break in a console of Windows, which no process can send to another there. Wine runs this too:
 * test/platforms/wine.test.ts.
 */

const skip = process.platform !== 'win32' && 'Windows only: wine.test.js runs this under Wine';

/** The event of Ctrl-C; process group 0 is all that use the console. */
const CTRL_C_EVENT = 0;

type Call = (...args: readonly number[]) => number;
let ignoreCtrlC: (ignore: boolean) => void;
let pressCtrlC: () => void;

/** A console for this test's process and those that it starts: the test runner is not stopped along with them. */
before(async () => {
  if (skip !== false) return;
  const { default: koffi } = await import('koffi');
  const kernel32 = koffi.load('kernel32.dll');
  const bind = (name: string, ...parameters: string[]): Call => kernel32.func(name, 'int', parameters);
  const setHandler = bind('SetConsoleCtrlHandler', 'intptr_t', 'int');
  const generate = bind('GenerateConsoleCtrlEvent', 'uint32_t', 'uint32_t');
  bind('FreeConsole')();
  assert.equal(bind('AllocConsole')(), 1);
  ignoreCtrlC = (ignore) => assert.equal(setHandler(0, Number(ignore)), 1);
  pressCtrlC = () => assert.equal(generate(CTRL_C_EVENT, 0), 1);
});

/** Starts a server and a benchmark without an end, and does something once both are at work. */
async function stopBoth(act: () => void, options: CliOptions): Promise<readonly CliOutcome[]> {
  let waiting = 2;
  const onceSeen = (mark: string): CliOptions => {
    let seen = false;
    return {
      ...options,
      onOutput: (stdout) => {
        if (seen || !stdout.includes(mark)) return;
        seen = true;
        if (--waiting === 0) act();
      },
    };
  };
  return Promise.all([
    runCli('qwen_asr', ['serve', '-d', 'models/demo', '--port', '0'], onceSeen('demo at http')),
    runCli('qwen_asr_bench', ['-d', 'models/demo', '-s', '1', '-n', '100000'], onceSeen('run 1/')),
  ]);
}

function assertEnded([server, bench]: readonly CliOutcome[], name: string, exitCode: number): void {
  assert.deepEqual([server?.code, server?.stderr], [0, '']);
  const finished = bench?.stdout.match(/^ {2}run \d+\/100000:/gm)?.length;
  assert.equal(bench?.stderr, `note: stopped by ${name} after ${finished} of 100000 runs\n`);
  assert.match(bench.stdout, /^total .*\nencode .*\ndecode .*\nrt_factor .*$/m);
  assert.equal(bench.code, exitCode);
}

describe('a server ends with 0, a benchmark with its table', { skip }, () => {
  test('Ctrl-C', async () => {
    ignoreCtrlC(false); // those that are started inherit it
    const press = () => {
      ignoreCtrlC(true);
      pressCtrlC();
    };
    assertEnded(await stopBoth(press, {}), 'SIGINT', 130);
  });

  /** Wine's console refuses the event of Ctrl-Break: the commands tell it to themselves, as Node does when it comes. */
  test('Ctrl-Break', async () => {
    const program = `
      const { write } = process.stdout;
      process.stdout.write = function (text, ...rest) {
        if (/demo at http|run 2\\//.test(text)) setTimeout(() => process.emit('SIGBREAK', 'SIGBREAK'));
        return write.call(this, text, ...rest);
      };`;
    const preload = `--import=data:text/javascript,${encodeURIComponent(program)}`;
    const outcomes = await stopBoth(() => {}, { env: { NODE_OPTIONS: preload } });
    assertEnded(outcomes, 'SIGBREAK', 143);
  });
});

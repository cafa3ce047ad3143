import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadNative } from '../../src/runtime/system/loadNative.js';
import { temporaryDirectory } from '../model/support/temporaryDirectory.js';
import { projectRoot } from '../support/projectRoot.js';

const native = await loadNative();
const skip =
  typeof native === 'string'
    ? native
    : process.platform !== 'linux' && 'the functions of macOS are missed on Linux';

const CLIP = ['-d', 'models/demo', '-t', '1', 'models/demo/samples/timer-en.wav'];
const TEXT = 'Set a timer for seven minutes.\n';
const OFF = 'nobody has run it on macOS yet (--backend native tries it)';
const MISSING = /this system lacks what machine code needs \(.*sys_icache_invalidate.*\)/;

/** The command as it would be on macOS, and the processes that it starts; without `functions` those of macOS are missing. */
function onMac(cacheFolder: string, args: readonly string[], { functions = false } = {}) {
  const support = new URL('../runtime/support/macOnLinux.js', import.meta.url).href;
  // koffi first: it would look for its own code for macOS.
  const text = `
    const { default: koffi } = await import('${import.meta.resolve('koffi')}');
    if (${functions}) {
      const { macOnLinux } = await import('${support}');
      const mac = await macOnLinux('osSync');
      koffi.load = mac.koffi.load;
    }
    Object.defineProperty(process, 'platform', { value: 'darwin' });`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['dist/src/cli/qwenAsr.js', ...args], {
    cwd: projectRoot,
    encoding: 'utf8',
    env: {
      ...process.env,
      XDG_CACHE_HOME: cacheFolder,
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(text)}`,
    },
  });
  return { status, stdout, stderr };
}

test('on macOS the command computes in WebAssembly and says once why', { skip }, (t) => {
  const { status, stdout, stderr } = onMac(temporaryDirectory(t), CLIP);
  assert.deepEqual([status, stdout], [0, TEXT]);
  assert.equal(stderr.split(`WebAssembly instead of machine code: ${OFF}`).length, 2, stderr);
});

test('machine code that was asked for and does not work there is no error either', { skip }, (t) => {
  const folder = temporaryDirectory(t);
  const { status, stdout, stderr } = onMac(folder, ['--backend', 'native', ...CLIP]);
  assert.deepEqual([status, stdout], [0, TEXT]);
  assert.match(stderr, new RegExp(`WebAssembly instead of machine code: ${MISSING.source}`));
  const named = onMac(folder, ['--backend', process.arch, ...CLIP]);
  assert.deepEqual([named.status, named.stdout], [1, '']);
  assert.match(named.stderr, new RegExp(`${process.arch} cannot run here: ${MISSING.source}`));
});

test('machine code that was asked for is tried there in another process, then used', { skip }, (t) => {
  const folder = temporaryDirectory(t);
  const kept = join(folder, 'qwen-asr', 'self-test.json');
  const args = ['--backend', 'native', '--json', ...CLIP];
  const { status, stdout, stderr } = onMac(folder, args, { functions: true });
  assert.deepEqual([status, stderr], [0, ''], stderr);
  const { text, model } = JSON.parse(stdout);
  assert.deepEqual([text, model.backend], [TEXT.trimEnd(), process.arch]);
  const verdicts = readFileSync(kept, 'utf8');
  assert.match(verdicts, /^ {2}"\S+ darwin .*": "passed"$/m);

  writeFileSync(kept, verdicts.replace('"passed"', '"it ended with SIGILL"'));
  const afterwards = onMac(folder, args, { functions: true });
  assert.equal(JSON.parse(afterwards.stdout).model.backend, 'wasm');
  assert.match(afterwards.stderr, /its self-test failed: it ended with SIGILL \(qwen_asr doctor\)/);
  const { stdout: findings } = onMac(folder, ['doctor'], { functions: true });
  assert.match(findings, /^machine code {2}[\w+]+, pages of \d+ KiB, waits by osSync, self-test passed in/m);
  assert.match(findings, /^chosen {8}WebAssembly \(wasm\); with --backend native machine code/m);
  assert.match(findings, /^report {8}nobody has run it on macOS yet: please send these lines/m);
});

test('doctor says there that machine code is not what is chosen', { skip }, (t) => {
  const { status, stdout, stderr } = onMac(temporaryDirectory(t), ['doctor']);
  assert.deepEqual([status, stderr], [0, '']);
  assert.match(stdout, /^system {8}darwin /m);
  assert.match(stdout, new RegExp(`^machine code {2}no: ${MISSING.source}$`, 'm'));
  assert.match(stdout, /^chosen {8}WebAssembly \(wasm\), \d+ threads$/m);
});

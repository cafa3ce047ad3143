import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tryMachineCode } from '../../src/cli/triedMachineCode.js';
import { loadModel } from '../../src/index.js';
import { loadNative, machineCodeOff } from '../../src/runtime/system/loadNative.js';
import type { Native } from '../../src/runtime/system/native.js';
import { demoModelDir } from '../support/projectRoot.js';
import { runHere } from '../support/runHere.js';

test('doctor says what is found, tried and chosen, a line each', async () => {
  const { code, stdout, stderr } = await runHere('qwen_asr', ['doctor']);
  assert.deepEqual([code, stderr], [0, '']);
  const lines = stdout.trimEnd().split('\n');
  assert.deepEqual(
    lines.map((line) => line.slice(0, 14).trim()),
    [
      'qwen-asr',
      'runtime',
      'system',
      'processor',
      'machine code',
      'WebAssembly',
      'chosen',
      'ffmpeg',
      'models',
    ],
  );
  assert.ok(stdout.includes(`${process.platform} ${process.arch}`));
  assert.match(stdout, /^machine code {2}(.*self-test passed in \d|no: )/m);
  // What it says is what a model gets.
  const model = await loadModel(demoModelDir);
  const { backend, isa, threads } = model.info;
  await model.close();
  const chosen = backend === 'wasm' ? 'WebAssembly (wasm)' : `machine code (${backend}), ${isa}`;
  assert.ok(stdout.includes(`chosen        ${chosen}, ${threads} threads\n`), stdout);
});

const native = await loadNative();
const skip = typeof native === 'string' && native;
const off = machineCodeOff('darwin');

test('where machine code is off, doctor says what it would be, and asks for a report', { skip }, async () => {
  const { found, chosen, report } = await tryMachineCode({ off, selfTest: async () => null });
  assert.match(found, /^[\w+]+, pages of \d+ KiB, waits by \w+, self-test passed in \d/);
  assert.match(chosen, /^WebAssembly \(wasm\); with --backend native machine code \((x64|arm64)\), [\w+]+$/);
  assert.equal(report, 'nobody has run it on macOS yet: please send these lines to the project');
});

test('where it is off and failed, nothing of it runs in the process of doctor', { skip }, async () => {
  const touched = (): never => assert.fail('code was made or run');
  const watched = { ...(native as Native), reserve: touched, seal: touched, functionAt: touched };
  const { found, chosen, report } = await tryMachineCode({
    openNative: async () => watched,
    off,
    selfTest: async () => 'it ended with SIGKILL',
  });
  assert.match(found, /^pages of \d+ KiB, waits by \w+, but its self-test failed: it ended with SIGKILL$/);
  assert.equal(chosen, 'WebAssembly (wasm)');
  assert.match(report!, /^please send these lines/);
});

test('a failure anywhere asks for a report, and what cannot be tried for none', { skip }, async () => {
  const failed = await tryMachineCode({ off: null, selfTest: async () => 'matmul computes something else' });
  assert.match(failed.found, /^[\w+]+, .*but its self-test failed: matmul computes something else$/);
  assert.match(failed.report!, /^please send these lines/);
  const missing = await tryMachineCode({ openNative: async () => 'koffi is missing' });
  assert.deepEqual(missing, { found: 'no: koffi is missing', chosen: 'WebAssembly (wasm)', report: null });
});

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { wasmCapabilities, wasmFeatures } from '../../../src/jit/wasm/webAssembly.js';

const major = Number(process.versions.node.split('.')[0]);

test('features are what V8 is known to have in each version of Node', () => {
  assert.deepEqual(wasmFeatures(), {
    simd: true,
    relaxedSimd: major >= 21, // V8 11.4
    threads: true,
    memory64: major >= 22,
  });
});

test('a switched off feature is not reported', () => {
  const url = new URL('../../../src/jit/wasm/webAssembly.js', import.meta.url).href;
  const script = `console.log(JSON.stringify((await import(${JSON.stringify(url)})).wasmFeatures()))`;
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--input-type=module', '-e', `delete globalThis.SharedArrayBuffer; ${script}`],
    { encoding: 'utf8' },
  );
  assert.equal(JSON.parse(stdout || stderr).threads, false);
});

test('capabilities are those of 128-bit vectors without dot products', () => {
  const { lanes, pairDot, byteDot } = wasmCapabilities();
  assert.deepEqual({ lanes, pairDot, byteDot }, { lanes: 4, pairDot: false, byteDot: false });
});

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fusesByteDots, wasmCapabilities, wasmFeatures } from '../../../src/jit/wasm/webAssembly.js';
import { enableWasmFeatures } from '../support/enableWasmFeatures.js';

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

test('capabilities are those of 128-bit vectors, of dot products that of small bytes with relaxed SIMD', () => {
  for (const relaxedSimd of [false, true]) {
    const { lanes, pairDot, byteDot, smallByteDot } = wasmCapabilities(relaxedSimd);
    const expected = { lanes: 4, pairDot: false, byteDot: false, smallByteDot: relaxedSimd };
    assert.deepEqual({ lanes, pairDot, byteDot, smallByteDot }, expected);
  }
});

test('V8 11.3 is not taken for an engine with fused sums of bytes, whatever the CPU has', () => {
  enableWasmFeatures();
  if (major < 21) assert.equal(fusesByteDots(), false);
  else assert.equal(typeof fusesByteDots(), 'boolean');
});

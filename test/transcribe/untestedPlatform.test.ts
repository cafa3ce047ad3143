import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadNative } from '../../src/runtime/system/loadNative.js';
import type { Native } from '../../src/runtime/system/native.js';
import { chooseBackend } from '../../src/transcribe/chooseBackend.js';
import type { LoadOptions } from '../../src/transcribe/types.js';
import { temporaryDirectory } from '../model/support/temporaryDirectory.js';
import { demoModelDir } from '../support/projectRoot.js';
import { noMachineCode } from './support/nativeConfigurations.js';

const skip = await noMachineCode();

/** Backend and note on a system that not all tests run on. */
async function chosen(options: LoadOptions): Promise<readonly [name: string, note: string | null]> {
  const untested = { ...((await loadNative()) as Native), isTested: false };
  const { backend, note } = await chooseBackend(options, demoModelDir, () => Promise.resolve(untested));
  await backend.close();
  return [backend.name, note];
}

test('machine code is tried before it is used where not all tests run', { skip }, async (t) => {
  const folder = temporaryDirectory(t);
  const before = process.env['XDG_CACHE_HOME'];
  process.env['XDG_CACHE_HOME'] = folder;
  t.after(() => {
    if (before === undefined) delete process.env['XDG_CACHE_HOME'];
    else process.env['XDG_CACHE_HOME'] = before;
  });
  assert.deepEqual(await chosen({}), ['x64', null]);
  const file = join(folder, 'qwen-asr', 'self-test.json');
  const verdicts = readFileSync(file, 'utf8');
  assert.match(verdicts, /: "passed"\n\}\n$/);
  writeFileSync(file, verdicts.replace('"passed"', '"rmsNorm computes something else"'));
  const why = 'its self-test failed: rmsNorm computes something else (qwen_asr doctor)';
  assert.deepEqual(await chosen({}), ['wasm', `WebAssembly instead of machine code: ${why}`]);
  // Whoever asks for it gets it.
  assert.deepEqual(await chosen({ backend: 'x64' }), ['x64', null]);
});

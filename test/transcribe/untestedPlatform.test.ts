import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { loadNative, machineCodeOff } from '../../src/runtime/system/loadNative.js';
import type { Native } from '../../src/runtime/system/native.js';
import { chooseBackend } from '../../src/transcribe/chooseBackend.js';
import type { LoadOptions } from '../../src/transcribe/types.js';
import { oneLineError } from '../model/support/oneLineError.js';
import { temporaryDirectory } from '../model/support/temporaryDirectory.js';
import { demoModelDir } from '../support/projectRoot.js';
import { noMachineCode } from './support/nativeConfigurations.js';

const skip = await noMachineCode();

interface System {
  /** Why machine code is used by its name alone. */
  readonly off?: string | null;
  readonly openNative?: () => Promise<Native | string>;
}

/** Backend and note on a system that not all tests run on. */
async function chosen(
  options: LoadOptions,
  { off = null, openNative = openUntested }: System = {},
): Promise<readonly [name: string, note: string | null]> {
  const { backend, note } = await chooseBackend(options, demoModelDir, openNative, off);
  await backend.close();
  return [backend.name, note];
}

async function openUntested(): Promise<Native> {
  return { ...((await loadNative()) as Native), isTested: false };
}

/** A user's cache without verdicts. @returns the file that will have them */
function freshVerdicts(t: TestContext): string {
  const folder = temporaryDirectory(t);
  const before = process.env['XDG_CACHE_HOME'];
  process.env['XDG_CACHE_HOME'] = folder;
  t.after(() => {
    if (before === undefined) delete process.env['XDG_CACHE_HOME'];
    else process.env['XDG_CACHE_HOME'] = before;
  });
  return join(folder, 'qwen-asr', 'self-test.json');
}

const WRONG = 'rmsNorm computes something else';
const FAILED = `its self-test failed: ${WRONG} (qwen_asr doctor)`;

/** As if the self-test that passed had not. */
function spoil(file: string): void {
  const verdicts = readFileSync(file, 'utf8');
  assert.match(verdicts, /: "passed"\n\}\n$/);
  writeFileSync(file, verdicts.replace('"passed"', `"${WRONG}"`));
}

test('machine code is tried before it is used where not all tests run', { skip }, async (t) => {
  const file = freshVerdicts(t);
  assert.deepEqual(await chosen({}), ['x64', null]);
  spoil(file);
  assert.deepEqual(await chosen({}), ['wasm', `WebAssembly instead of machine code: ${FAILED}`]);
  // Whoever asks for it gets it.
  assert.deepEqual(await chosen({ backend: 'x64' }), ['x64', null]);
  assert.deepEqual(await chosen({ backend: 'native' }), ['x64', null]);
});

test('where machine code is off it is used by its name alone, and never before it was tried', {
  skip,
}, async (t) => {
  const file = freshVerdicts(t);
  const off = machineCodeOff('darwin');
  const untouched = (): Promise<never> => assert.fail('the system was called');
  const note = `WebAssembly instead of machine code: ${off}`;
  assert.deepEqual(await chosen({}, { off, openNative: untouched }), ['wasm', note]);
  await assert.rejects(
    chosen({ isa: 'avx2' }, { off, openNative: untouched }),
    oneLineError('unsupported', /^backend: machine code cannot run here: nobody has run it on macOS yet/),
  );
  assert.ok(!existsSync(file));

  assert.deepEqual(await chosen({ backend: 'native' }, { off }), ['x64', null]);
  assert.deepEqual(await chosen({ backend: 'native', isa: 'avx2' }, { off }), ['x64', null]);
  spoil(file);
  assert.deepEqual(await chosen({ backend: 'native' }, { off }), [
    'wasm',
    `WebAssembly instead of machine code: ${FAILED}`,
  ]);
  // Another arithmetic than the one that was named would be no answer.
  for (const options of [{ backend: 'x64' }, { backend: 'native', isa: 'avx2' }] as const) {
    await assert.rejects(
      chosen(options, { off }),
      oneLineError('unsupported', /its self-test failed: rmsNorm/),
    );
  }
});

test('native is machine code of this platform, or an error where there is none', { skip }, async () => {
  assert.deepEqual(await chosen({ backend: 'native' }), ['x64', null]);
  const openNative = async (): Promise<string> => 'koffi is missing';
  await assert.rejects(
    chosen({ backend: 'native' }, { openNative }),
    oneLineError('unsupported', /^backend: machine code cannot run here: koffi is missing$/),
  );
  assert.deepEqual(await chosen({ backend: 'native' }, { openNative, off: 'it is off' }), [
    'wasm',
    'WebAssembly instead of machine code: koffi is missing',
  ]);
});

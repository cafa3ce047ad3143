import assert from 'node:assert/strict';
import {
  copyFileSync,
  readdirSync,
  readFileSync,
  renameSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { QwenAsrError } from '../../src/error.js';
import { loadModel, loadWav, type SpeechModel } from '../../src/index.js';
import { readModelDirectory } from '../../src/model/modelDirectory.js';
import { loadNative, openNative } from '../../src/runtime/system/loadNative.js';
import type { Native } from '../../src/runtime/system/native.js';
import { buildModel } from '../../src/transcribe/buildModel.js';
import { chooseBackend } from '../../src/transcribe/chooseBackend.js';
import type { LoadOptions } from '../../src/transcribe/types.js';
import { oneLineError } from '../model/support/oneLineError.js';
import { temporaryDirectory } from '../model/support/temporaryDirectory.js';
import { wrappedKoffi } from '../runtime/support/wrappedKoffi.js';
import { readGolden } from '../support/golden.js';
import { demoModelDir } from '../support/projectRoot.js';
import { Random } from '../support/random.js';
import { nativeConfigurations, noMachineCode } from './support/nativeConfigurations.js';
import { TrackedNative } from './support/trackedNative.js';

const skip = await noMachineCode();
const closed = oneLineError('closed');

async function samplesOf(wav: string): Promise<Float32Array> {
  return (await loadWav(join(demoModelDir, 'samples', wav))).samples;
}

function choose(options: LoadOptions, native: Native | string) {
  return chooseBackend(options, demoModelDir, () => Promise.resolve(native));
}

/** With this system, `auto` falls back and says why, and whoever asks for machine code is told. */
async function assertFallsBack(native: Native | string, why: RegExp): Promise<void> {
  const { backend, note } = await choose({}, native);
  assert.notEqual(backend.name, 'x64');
  assert.match(note!, why);
  await backend.close();
  await assert.rejects(choose({ backend: 'x64' }, native), oneLineError('unsupported', why));
  await assert.rejects(choose({ isa: 'avx2' }, native), oneLineError('unsupported', why));
  const asked = await choose({ backend: 'reference' }, native);
  assert.equal(asked.note, null);
  await asked.backend.close();
}

test('without koffi another backend computes, with a note', () =>
  assertFallsBack('the optional package koffi cannot be loaded (…)', /koffi cannot be loaded/));

test('where no memory can be made executable another backend computes, with a note', { skip }, async () => {
  const tracked = new TrackedNative((await loadNative()) as Native);
  const seal = () => {
    throw new QwenAsrError('unsupported', 'this system does not let a process make memory executable');
  };
  await assertFallsBack({ ...tracked.native, seal }, /make memory executable/);
  tracked.assertNothingHeld();
});

test('where arrays over native memory are forbidden another backend computes, with a note', {
  skip,
}, async () => {
  const view = () => {
    throw new Error('External buffers are not allowed');
  };
  const native = await openNative(() => Promise.resolve(wrappedKoffi({ view })));
  await assertFallsBack(native, /allows no arrays .*\(External buffers are not allowed\)$/);
});

test('weights that cannot be mapped are read', { skip }, async () => {
  const native = (await loadNative()) as Native;
  const { backend, openFile } = await choose({ backend: 'x64' }, { ...native, mapFile: () => null });
  const files = await readModelDirectory(demoModelDir, openFile);
  const model = await buildModel(files, backend, { startMs: performance.now() });
  const { text } = await model.transcribe(await samplesOf('light-en.wav')).result;
  assert.equal(text, 'Turn on the kitchen light.');
  await model.close();
});

test('on a CPU without a known level another backend computes, with a note', { skip }, async () => {
  const tracked = new TrackedNative((await loadNative()) as Native);
  const functionAt = () => ({ call: () => {}, callAsync: () => Promise.resolve() }); // CPUID answers zeros
  await assertFallsBack({ ...tracked.native, functionAt }, /no AVX2/);
  tracked.assertNothingHeld();
});

test('a level that this CPU lacks is refused with those that it has', { skip }, async () => {
  const [weakest] = await nativeConfigurations();
  await assert.rejects(loadModel(demoModelDir, { isa: 'avx10' }), oneLineError('unsupported', /avx2.*avx10/));
  await assert.rejects(
    loadModel(demoModelDir, { isa: weakest!.isa, precision: 'bf16' }),
    oneLineError('unsupported', /^precision: .*bf16/),
  );
});

test('too little memory at any point of opening is an error that keeps nothing', { skip }, async () => {
  const native = (await loadNative()) as Native;
  let failures = 0;
  for (let allowed = 0; ; allowed++) {
    const tracked = new TrackedNative(native, { reservations: allowed });
    try {
      const { backend } = await choose({ backend: 'x64', threads: 3 }, tracked.native);
      await backend.close();
      tracked.assertNothingHeld();
      break;
    } catch (error) {
      oneLineError('memory')(error);
      failures++;
      tracked.assertNothingHeld();
    }
  }
  assert.ok(failures >= 4, `${failures} reservations`);
});

test('threads that the system refuses are done without, with a note', { skip }, async () => {
  const native = (await loadNative()) as Native;
  for (const [allowed, threads] of [
    [0, '1 thread'],
    [1, '2 threads'],
    [2, '3 threads'],
  ] as const) {
    const tracked = new TrackedNative(native, { threads: allowed });
    const { backend, note } = await choose({ backend: 'x64', threads: 4 }, tracked.native);
    assert.equal(backend.threadCount, allowed + 1);
    assert.equal(note, `the x64 backend runs on ${threads}, not 4: the system refuses more (EAGAIN)`);
    await backend.close();
    tracked.assertNothingHeld();
  }
});

test('too little memory for a clip is an error, and smaller ones still fit', { skip }, async () => {
  const tracked = new TrackedNative((await loadNative()) as Native);
  const { backend } = await choose({ backend: 'x64', threads: 1 }, tracked.native);
  const scope = backend.createScope('clip');
  const before = backend.activationBytes;
  assert.throws(() => scope.tensor('huge', [2 ** 49], 'f32'), oneLineError('memory'));
  assert.equal(backend.activationBytes, before);
  scope.tensor('small', [1000], 'f32').write(new Float32Array(1000));
  scope.release();
  await backend.close();
  tracked.assertNothingHeld();
});

test('two models in one process run side by side and close apart', { skip }, async () => {
  const configurations = (await nativeConfigurations()).filter(({ missing }) => missing === false);
  const [first, second] = await Promise.all([
    loadModel(demoModelDir, { ...configurations[0], backend: 'x64', threads: 2 }),
    loadModel(demoModelDir, { ...configurations.at(-1), backend: 'x64', threads: 3 }),
  ]);
  const clips = ['light-en', 'music-es', 'timer-en', 'weather-de'];
  const check = async (model: SpeechModel, clip: string) => {
    const { wav, tokens } = readGolden(`demo/${clip}`);
    assert.deepEqual((await model.transcribe(await samplesOf(wav)).result).tokenIds, tokens);
  };
  await Promise.all(clips.flatMap((clip) => [check(first, clip), check(second, clip)]));
  const running = clips.map((clip) => check(second, clip));
  await first.close();
  await Promise.all(running);
  await second.close();
});

test('close at any moment of a run ends it with `closed`', { skip }, async () => {
  const samples = await samplesOf('morning-en.wav');
  const random = new Random(7);
  let ended = 0;
  for (let round = 0; round < 25; round++) {
    const model = await loadModel(demoModelDir, { backend: 'x64', threads: random.integer(1, 3) });
    const runs = [model.transcribe(samples).result, model.transcribe(samples).result];
    const outcomes = Promise.allSettled(runs);
    const waitMs = random.integer(0, 40);
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    await model.close();
    for (const outcome of await outcomes) {
      if (outcome.status === 'rejected') closed(outcome.reason);
      else ended++;
    }
    await assert.rejects(model.transcribe(samples).result, closed);
    await assert.rejects(model.melSpectrogram(samples), closed);
    await assert.rejects(model.encode({ data: new Float32Array(128), bins: 128, frames: 1 }), closed);
  }
  assert.ok(ended < 50, 'no run was still going when its model was closed');
});

test('a signal ends any phase at once, and the next run is whole', { skip }, async () => {
  const model = await loadModel(demoModelDir, { backend: 'x64' });
  const samples = await samplesOf('morning-en.wav');
  const startMs = performance.now();
  const whole = await model.transcribe(samples).result;
  const fullMs = performance.now() - startMs;
  const random = new Random(8);
  let aborts = 0;
  for (let round = 0; round < 25; round++) {
    const abort = new AbortController();
    const run = model.transcribe(samples, { signal: abort.signal }).result;
    const outcome = run.then(
      () => false,
      (error) => oneLineError('aborted')(error),
    );
    await new Promise((resolve) => setTimeout(resolve, random.uniform() * fullMs));
    abort.abort();
    if (await outcome) aborts++;
  }
  assert.ok(aborts > 0);
  assert.deepEqual((await model.transcribe(samples).result).tokenIds, whole.tokenIds);
  await model.close();
});

test('an observer that throws ends its run with its own error, and no other', { skip }, async () => {
  const model = await loadModel(demoModelDir, { backend: 'x64' });
  const samples = await samplesOf('light-en.wav');
  for (const stage of ['mel', 'stem', 'enc_layer1', 'dec_layer0', 'step_layer2']) {
    const observer = (seen: string) => {
      if (seen === stage) throw new RangeError(stage);
    };
    await assert.rejects(model.transcribe(samples, { observer }).result, new RangeError(stage));
  }
  assert.equal((await model.transcribe(samples).result).text, 'Turn on the kitchen light.');
  await model.close();
});

test('a weight file that was cut off is refused and not kept mapped', { skip }, async (t) => {
  const directory = temporaryDirectory(t);
  for (const name of readdirSync(demoModelDir)) {
    if (name.includes('.')) copyFileSync(join(demoModelDir, name), join(directory, name));
  }
  const path = join(directory, 'model.safetensors');
  const { length } = readFileSync(path);
  for (const [byteLength, code] of [
    [length - 1, 'model'],
    [length >> 1, 'model'],
    [100, 'model'],
    [4, 'model'],
    [0, 'file'],
  ] as const) {
    truncateSync(path, byteLength);
    await assert.rejects(loadModel(directory, { backend: 'x64' }), oneLineError(code, /model\.safetensors/));
    assert.ok(!readFileSync('/proc/self/maps', 'utf8').includes(path), `${byteLength} bytes`);
  }
});

/** Windows keeps others from changing a file that is mapped. */
const posix = skip || (process.platform === 'win32' && 'files of Windows that are mapped cannot be changed');

test('a weight file that is changed under a loaded model is an error before the next pass', {
  skip: posix,
}, async (t) => {
  const directory = temporaryDirectory(t);
  for (const name of readdirSync(demoModelDir)) {
    if (name.includes('.')) copyFileSync(join(demoModelDir, name), join(directory, name));
  }
  const path = join(directory, 'model.safetensors');
  const samples = await samplesOf('light-en.wav');
  const bytes = readFileSync(path);
  for (const [change, found] of [
    [() => truncateSync(path, 4096), /model\.safetensors: the file changed from \d+ to 4096 bytes while/],
    [() => writeFileSync(path, bytes), /model\.safetensors: the file was written to while/],
  ] as const) {
    writeFileSync(path, bytes);
    utimesSync(path, 1e9, 1e9);
    const model = await loadModel(directory, { backend: 'x64' });
    assert.equal((await model.transcribe(samples).result).text, 'Turn on the kitchen light.');
    change();
    await assert.rejects(model.transcribe(samples).result, oneLineError('file', found));
    await model.close();
  }
});

test('a weight file that is replaced under a loaded model changes nothing for it', {
  skip: posix,
}, async (t) => {
  const directory = temporaryDirectory(t);
  for (const name of readdirSync(demoModelDir)) {
    if (name.includes('.')) copyFileSync(join(demoModelDir, name), join(directory, name));
  }
  const model = await loadModel(directory, { backend: 'x64' });
  const path = join(directory, 'model.safetensors');
  writeFileSync(`${path}.new`, 'another model');
  renameSync(`${path}.new`, path);
  const { text } = await model.transcribe(await samplesOf('light-en.wav')).result;
  assert.equal(text, 'Turn on the kitchen light.');
  await model.close();
  assert.ok(!readFileSync('/proc/self/maps', 'utf8').includes(directory));
});

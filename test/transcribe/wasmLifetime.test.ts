import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { loadModel, loadWav, type SpeechModel } from '../../src/index.js';
import { wasmFeatures } from '../../src/jit/wasm/webAssembly.js';
import { fileReaderInto, readModelDirectory } from '../../src/model/modelDirectory.js';
import { spawnNodeParticipant } from '../../src/runtime/nodeThreads.js';
import type { ParticipantThread } from '../../src/runtime/wasmParticipant.js';
import { buildModel } from '../../src/transcribe/buildModel.js';
import { openWasmBackend } from '../../src/transcribe/openWasmBackend.js';
import { oneLineError } from '../model/support/oneLineError.js';
import { processorMs } from '../support/processorMs.js';
import { demoModelDir } from '../support/projectRoot.js';

const GIB = 2 ** 30;

async function samplesOf(wav: string): Promise<Float32Array> {
  return (await loadWav(join(demoModelDir, 'samples', wav))).samples;
}

/** The demo model on two threads that the test can reach. */
async function openReachable(): Promise<{ model: SpeechModel; threads: readonly ParticipantThread[] }> {
  const threads: ParticipantThread[] = [];
  const spawn = () => {
    const thread = spawnNodeParticipant();
    threads.push(thread);
    return thread;
  };
  const { backend, provide } = await openWasmBackend({ threadCount: 2, weightBytes: 2 ** 24, spawn });
  const files = await readModelDirectory(demoModelDir, fileReaderInto(provide));
  return { model: await buildModel(files, backend, { startMs: performance.now() }), threads };
}

test('a signal stops a run, and the next one is right', async () => {
  const model = await loadModel(demoModelDir, { backend: 'wasm', threads: 2 });
  try {
    const samples = await samplesOf('light-en.wav');
    for (const phase of ['mel', 'enc_layer1', 'dec_layer2', 'step_layer0']) {
      const abort = new AbortController();
      const observer = (stage: string) => {
        if (stage === phase) abort.abort();
      };
      const { result } = model.transcribe(samples, { signal: abort.signal, observer });
      await assert.rejects(result, oneLineError('aborted'));
    }
    assert.equal((await model.transcribe(samples).result).text, 'Turn on the kitchen light.');
  } finally {
    await model.close();
  }
});

test('a thousand threads are two a processor: each is a JavaScript engine, which takes 0.1 s to start', async () => {
  const startMs = processorMs();
  const model = await loadModel(demoModelDir, { backend: 'wasm', threads: 1000 });
  try {
    assert.equal(model.info.threads, Math.max(4, 2 * availableParallelism()));
    const { text } = await model.transcribe(await samplesOf('light-en.wav')).result;
    assert.equal(text, 'Turn on the kitchen light.');
  } finally {
    await model.close();
  }
  assert.ok(processorMs() - startMs < 15_000);
});

test('threads take no CPU time while no pass runs', async () => {
  for (const threads of [1, 2, 4]) {
    const model = await loadModel(demoModelDir, { backend: 'wasm', threads });
    try {
      await model.transcribe(await samplesOf('light-en.wav')).result;
      await setTimeout(300); // compilers and garbage collection
      const before = process.cpuUsage();
      await setTimeout(1000);
      const { user, system } = process.cpuUsage(before);
      assert.ok(user + system < 50_000, `${threads} threads: ${user + system} µs in 1 s`); // 0.3 ms measured
    } finally {
      await model.close();
    }
  }
});

test('close ends what runs, and is final', async () => {
  const model = await loadModel(demoModelDir, { backend: 'wasm', threads: 2 });
  const samples = await samplesOf('morning-en.wav');
  const running = model.transcribe(samples);
  for await (const { index } of running) if (index === 1) break;
  await model.close();
  await assert.rejects(running.result, oneLineError('closed'));
  await assert.rejects(model.transcribe(samples).result, oneLineError('closed'));
});

for (const [participant, name] of ['the first participant', 'another participant'].entries()) {
  test(`${name} dies: an error says so, and the model can be closed`, { timeout: 120_000 }, async () => {
    const { model, threads } = await openReachable();
    const samples = await samplesOf('light-en.wav');
    assert.equal((await model.transcribe(samples).result).text, 'Turn on the kitchen light.');
    // Nothing that can be instantiated: the thread ends with an uncaught error.
    threads[participant]!.post({ kind: 'install', module: {}, firstPointer: 1 });
    await setTimeout(300);
    const failed = oneLineError('internal', /a worker ended: WebAssembly\.Instance/);
    await assert.rejects(model.transcribe(samples).result, failed);
    await assert.rejects(model.transcribe(samples).result, failed);
    await model.close();
  });
}

for (const allowed of [0, 1]) {
  test(`a system that gives ${allowed} of 3 threads: what it gives computes, and its refusal is told`, async () => {
    let started = 0;
    const spawn = () => {
      if (started === allowed) throw new Error('EAGAIN');
      started++;
      return spawnNodeParticipant();
    };
    const weights = { threadCount: 3, weightBytes: 2 ** 24, spawn };
    const { backend, refusal, provide } = await openWasmBackend(weights);
    assert.equal(backend.threadCount, 1);
    assert.equal(refusal, 'the system refuses more (EAGAIN)');
    const files = await readModelDirectory(demoModelDir, fileReaderInto(provide));
    const model = await buildModel(files, backend, { startMs: performance.now() });
    const { text } = await model.transcribe(await samplesOf('light-en.wav')).result;
    assert.equal(text, 'Turn on the kitchen light.');
    await model.close();
  });
}

test('a process that is done ends by itself, though its model is open', () => {
  const index = new URL('../../src/index.js', import.meta.url).href;
  const script = `
    import { loadModel, loadWav } from ${JSON.stringify(index)};
    const model = await loadModel(${JSON.stringify(demoModelDir)}, { backend: 'wasm', threads: 2 });
    const { samples } = await loadWav(${JSON.stringify(join(demoModelDir, 'samples', 'light-en.wav'))});
    console.log((await model.transcribe(samples).result).text);`;
  const args = ['--input-type=module', '-e', script];
  const child = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 60_000 });
  const { status, signal, stdout, stderr } = child;
  assert.deepEqual([status, signal, stdout], [0, null, 'Turn on the kitchen light.\n'], stderr);
});

test('a file that does not fit any more is an error of memory', async () => {
  const { backend, provide } = await openWasmBackend({ threadCount: 1, weightBytes: 0, spawn: null });
  assert.throws(() => provide(2 * GIB), oneLineError('memory', /cannot reserve 2147483648 bytes/));
  await backend.close();
});

test('a model beyond what WebAssembly can address is refused before it is read', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'qwen-asr-wasm-'));
  try {
    const path = join(directory, 'model.safetensors');
    writeFileSync(path, '');
    truncateSync(path, 20 * GIB); // sparse; V8 ends at 16 GiB, and at 4 without memory64
    const refused = wasmFeatures().memory64
      ? oneLineError('memory', /could not allocate/)
      : oneLineError('unsupported', /the model needs 21\.5 GiB, expected memory64 \(Node\.js 22/);
    await assert.rejects(loadModel(directory, { backend: 'wasm', threads: 1 }), refused);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

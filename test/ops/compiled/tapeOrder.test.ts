import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { wasmCapabilities } from '../../../src/jit/wasm/webAssembly.js';
import type { KernelCall, Memory } from '../../../src/kernels/kernel.js';
import { type RecordedCall, TapeRecorder } from '../../../src/ops/compiled/tapeRecorder.js';
import { loadModel } from '../../../src/transcribe/loadModel.js';

/** The calls of every pass that a transcription records, in the order of the passes. */
async function recordedPasses(seconds: number): Promise<readonly (readonly RecordedCall[])[]> {
  const recorders = new Set<TapeRecorder>();
  const { run } = TapeRecorder.prototype;
  const spy = mock.method(TapeRecorder.prototype, 'run', function (this: TapeRecorder, call: KernelCall) {
    recorders.add(this);
    run.call(this, call);
  });
  try {
    const model = await loadModel('synthetic:tiny', { backend: 'wasm', threads: 1 });
    const samples = Float32Array.from({ length: 16_000 * seconds }, (_, i) => Math.sin(i * i * 1e-4));
    await model.transcribe(samples, { maxTokens: 2 }).result;
    await model.close();
  } finally {
    spy.mock.restore();
  }
  return [...recorders].map(({ calls }) => calls);
}

function groupsOf(calls: readonly RecordedCall[]): RecordedCall[][] {
  const groups: RecordedCall[][] = [];
  for (const call of calls) {
    groups[call.group] ??= [];
    groups[call.group]!.push(call);
  }
  return groups;
}

/** Every byte of one range against every range of the other call. */
function shareBytes(a: readonly Memory[], b: readonly Memory[]): boolean {
  const end = ({ address, byteLength }: Memory): number => address + byteLength;
  return a.some((x) => b.some((y) => Math.min(end(x), end(y)) > Math.max(x.address, y.address)));
}

function kernelNames(group: readonly RecordedCall[]): string {
  return group.map(({ kernel }) => kernel.name.split('.')[0]).join(' + ');
}

// 12 s: two blocks of frames in the log-mel, two groups of chunks in the stem.
const passes = await recordedPasses(12);

test('calls that may run at once share no memory that one of them writes', () => {
  assert.equal(passes.length, 5);
  for (const calls of passes) {
    for (const group of groupsOf(calls)) {
      for (const [i, a] of group.entries()) {
        for (const b of group.slice(i + 1)) {
          const where = kernelNames([a, b]);
          assert.ok(!shareBytes(a.writes, [...b.reads, ...b.writes]), where);
          assert.ok(!shareBytes(b.writes, a.reads), where);
        }
      }
    }
  }
});

test('what does not depend on one another may run at once', () => {
  const [logMel, stem, layers, prefill, step] = passes.map((calls) => groupsOf(calls).map(kernelNames)) as [
    string[],
    string[],
    string[],
    string[],
    string[],
  ];
  const block = ['matmul', 'powerSpectrum', 'matmul'];
  assert.deepEqual(logMel, [
    'padColumns + padReflect',
    ...block,
    'melLog + padReflect',
    ...block,
    'melLog',
    'melFloor',
  ]);
  const convolutions = ['conv1Gelu + zeroBorders', 'matmul + zeroBorders', 'matmul', 'flattenTime'];
  assert.deepEqual(stem, [
    'chunkMel + zeroBorders',
    ...convolutions,
    'matmul + chunkMel + zeroBorders',
    ...convolutions,
    'matmul',
  ]);
  const queriesKeysValues = (product: string): string => `${product} + ${product} + ${product}`;
  const encoderLayer = [
    'layerNorm',
    queriesKeysValues('matmul'),
    'windowAttention',
    'matmul',
    'layerNorm',
    'matmul',
    'matmul',
  ];
  assert.deepEqual(layers.slice(0, encoderLayer.length), encoderLayer);
  const decoderLayer = (product: string, attention: string): string[] => [
    'rmsNorm',
    queriesKeysValues(product),
    'rotaryToCache',
    attention,
    product,
    'rmsNorm',
    product,
    product,
  ];
  assert.deepEqual(prefill.slice(0, 9), [
    'embedRows + embedRows',
    ...decoderLayer('matmul', 'prefillAttention'),
  ]);
  assert.deepEqual(step.slice(0, 9), ['embedRows', ...decoderLayer('matvec', 'stepAttention')]);
});

test('a call that conflicts with any of its group starts the next', () => {
  const recorder = new TapeRecorder(wasmCapabilities(), 'f32', 1);
  const at = (address: number): Memory => ({ address, byteLength: 64 });
  const [first] = passes[0]!;
  const run = (reads: Memory[], writes: Memory[]): number => {
    recorder.run({ ...first!, reads, writes });
    return recorder.calls.at(-1)!.group;
  };
  assert.equal(run([at(0)], [at(64)]), 0);
  assert.equal(run([at(0)], [at(128)]), 0); // reads what another reads
  assert.equal(run([at(127)], [at(256)]), 1); // reads a byte of what another writes
  assert.equal(run([at(512)], [at(300)]), 2); // writes a byte of what another writes
  assert.equal(run([], [at(575)]), 3); // writes a byte of what another reads
  assert.equal(run([], [at(0)]), 3); // conflicts with an older group only
});

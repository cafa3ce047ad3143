import assert from 'node:assert/strict';
import { test } from 'node:test';
import { joinCeilings } from '../../../src/bench/analysis/roofline.js';
import { formatCeilings } from '../../../src/bench/text/liveText.js';
import { interpret } from '../../../src/jit/interpreter.js';
import { wasmCapabilities } from '../../../src/jit/wasm/webAssembly.js';
import { x64Capabilities } from '../../../src/jit/x64/features.js';
import { ceiling, ceilingWork, READ_PATTERNS } from '../../../src/kernels/ceilings.js';
import { SCRATCH_BYTES } from '../../../src/kernels/kernel.js';
import { loadNative } from '../../../src/runtime/system/loadNative.js';
import { loadModel } from '../../../src/transcribe/loadModel.js';
import { demoModelDir } from '../../support/projectRoot.js';

const native = await loadNative();
const noMachineCode = typeof native === 'string' ? native : false;

test('ceilings are measured on memory that is given back, and tell the width of the datapaths where it varies', {
  skip: noMachineCode,
}, async () => {
  const model = await loadModel(demoModelDir, { backend: 'x64', threads: 1 });
  try {
    const residentBytes = process.memoryUsage.rss();
    const { readBytesPerSecond, f32FlopsPerSecond, int8OpsPerSecond, datapathBits, tuning } = await model
      .measureCeilings()
      .then((found) => found!);
    assert.ok(process.memoryUsage.rss() - residentBytes < 256 * 2 ** 20, 'the 512 MB are still there');
    // A core of any x86-64 server or laptop of the last ten years, even when it is shared with three others.
    assert.ok(
      readBytesPerSecond > 2e8 && f32FlopsPerSecond > 1e9,
      `${readBytesPerSecond} ${f32FlopsPerSecond}`,
    );
    assert.ok(int8OpsPerSecond! > 1e9, `${int8OpsPerSecond}`);
    assert.match(tuning ?? '', /(^|,)tileRows=\d+(,|$)/);
    const isWide = model.info.isa !== 'avx2';
    assert.ok(
      isWide ? datapathBits === 256 || datapathBits === 512 : datapathBits === null,
      String(datapathBits),
    );
  } finally {
    await model.close();
  }
});

test('the work of a ceiling of integers is twice the products that it adds up', () => {
  // 01 01 01 01 everywhere: four bytes, or two words of 257.
  const ways = [
    [x64Capabilities('avx512bf16'), 1],
    [x64Capabilities('avx2'), 1],
    [wasmCapabilities(false), 257 ** 2],
  ] as const;
  for (const [capabilities, product] of ways) {
    const [slots, scratch] = [64, 4096];
    const memory = new ArrayBuffer(scratch + SCRATCH_BYTES);
    new BigInt64Array(memory, slots, 2).set([3n, 1n]); // three repetitions of a tile
    interpret(ceiling('int8').emit(capabilities), memory, [slots, 0, scratch]);
    const sum = new Int32Array(memory, scratch).reduce((total, value) => total + value, 0);
    assert.equal((2 * sum) / product, 3 * ceilingWork('int8', capabilities));
  }
});

test('the work of a ceiling of tiles is twice the products that it adds up', () => {
  const capabilities = x64Capabilities('amx');
  const [slots, scratch] = [64, 4096];
  const memory = new ArrayBuffer(scratch + SCRATCH_BYTES);
  new BigInt64Array(memory, slots, 2).set([3n, 1n]);
  interpret(ceiling('bf16').emit(capabilities), memory, [slots, 0, scratch]);
  const sums = new Float32Array(memory, scratch, 4 * 256);
  assert.ok(sums.every((sum) => sum === 3 * 32));
  assert.equal(2 * sums.length * 3 * 32, 3 * ceilingWork('bf16', capabilities));
});

test('reading is tried in one stream and in several, with and without prefetching', () => {
  assert.ok(new Set(READ_PATTERNS.map(({ streams }) => streams)).size >= 3);
  assert.ok(new Set(READ_PATTERNS.map(({ prefetchBytes }) => prefetchBytes)).size >= 3);
});

test('the vector units are described beside the ceilings; a probe that was held up does not narrow them', () => {
  const rates = {
    readBytesPerSecond: 3e10,
    f32FlopsPerSecond: 2e11,
    bf16FlopsPerSecond: null,
    int8OpsPerSecond: null,
  };
  const joined = joinCeilings([{ ...rates, datapathBits: 256 }, { ...rates, datapathBits: 512 }, rates]);
  assert.equal(joined.datapathBits, 512);
  const machinery = { threads: 2, backend: 'x64', isa: 'avx512f' };
  assert.match(formatCeilings({ ...machinery, ...joined }), / {2}512-bit datapaths\n$/);
  const [ours, plain] = ['tileRows=6,pairsAsF32=1', 'pairsAsF32=0'];
  const tuned = joinCeilings([{ ...rates, datapathBits: 256, tuning: ours }, rates]);
  assert.equal(tuned.tuning, ours);
  assert.match(
    formatCeilings({ ...machinery, ...tuned }),
    / {2}256-bit datapaths {2}bf16 multiplied as f32\n$/,
  );
  assert.doesNotMatch(formatCeilings({ ...machinery, ...rates, tuning: plain }), /datapath|multiplied/);
});

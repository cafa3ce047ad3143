import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isaFeatures, X64_PRESETS } from '../../src/jit/x64/features.js';
import { datapathBits, measuredTuning } from '../../src/jit/x64/tuning.js';
import { detectX64Levels } from '../../src/runtime/cpuFeatures.js';
import { NativeMachine } from '../../src/runtime/nativeMachine.js';
import { probeCpu } from '../../src/runtime/probeCpu.js';
import { loadNative } from '../../src/runtime/system/loadNative.js';
import type { Native } from '../../src/runtime/system/native.js';

const native = await loadNative();
const levels = typeof native === 'string' ? [] : detectX64Levels(native);
const skip = typeof native === 'string' ? native : levels.length === 0 && 'this CPU has no AVX2';

/**
 * A system whose code takes so many microseconds in the order in which it is installed (first of all the question for the
 * caches); `hiccup` once takes a run a hundred times longer.
 */
function slowSystem(microseconds: readonly number[], hiccup = -1): { native: Native; calls: () => number } {
  let [installed, calls] = [0, 0];
  const memory = new ArrayBuffer(1 << 16);
  const system = {
    reserve: () => 0,
    release: () => {},
    seal: () => {},
    view: () => memory,
    functionAt: () => {
      const wait = [0, ...microseconds][installed++]!;
      return {
        call: () => {
          const factor = calls++ === hiccup ? 100 : 1;
          const end = performance.now() + (factor * wait) / 1000;
          while (performance.now() < end);
        },
      };
    },
  };
  return { native: system as unknown as Native, calls: () => calls };
}

test('what the clock says decides, whatever the processor is called', () => {
  const amd = probeCpu(slowSystem([50, 51, 50, 52]).native, X64_PRESETS.avx512bf16);
  assert.equal(datapathBits(amd), 512);
  assert.deepEqual(measuredTuning(amd), { widenOnce: 0, pairsAsF32: 0 });
  const halves = probeCpu(slowSystem([100, 102, 50, 100]).native, X64_PRESETS.avx512bf16);
  assert.equal(datapathBits(halves), 256);
  const intel = probeCpu(slowSystem([50, 68, 50, 200]).native, X64_PRESETS.avx512bf16);
  assert.deepEqual(measuredTuning(intel), { widenOnce: 1, pairsAsF32: 1 });
});

test('of features that are missing, or not used, nothing is measured', () => {
  const { times } = probeCpu(slowSystem([50, 68]).native, X64_PRESETS.avx2);
  assert.ok(times !== null && times.fmaHalf === null && times.pairs === null);
  const wide = probeCpu(slowSystem([50, 68, 50]).native, X64_PRESETS.avx512f).times;
  assert.ok(wide !== null && wide.fmaHalf !== null && wide.pairs === null);
});

test('a run that is held up does not count', () => {
  for (const hiccup of [1, 3, 4]) {
    const { native: system } = slowSystem([50, 51, 50, 52], hiccup);
    const found = probeCpu(system, X64_PRESETS.avx512bf16);
    assert.deepEqual([datapathBits(found), measuredTuning(found).pairsAsF32], [512, 0], `run ${hiccup}`);
  }
});

test('a process measures once, whatever it loads', () => {
  const system = slowSystem([50, 51, 50, 52]);
  const first = probeCpu(system.native, X64_PRESETS.avx512bf16);
  const calls = system.calls();
  assert.equal(probeCpu(system.native, X64_PRESETS.avx512bf16), first);
  assert.equal(system.calls(), calls);
});

test('on this machine every level is measured, and its kernels are tuned to it', { skip }, async () => {
  for (const level of levels) {
    const features = isaFeatures(level)!;
    const found = probeCpu(native as Native, features);
    assert.ok(found.times !== null && found.times.fma > 0, level);
    assert.equal(found.times.pairs !== null, features.bf16, level);
    assert.ok(found.l1Bytes === null || found.l1Bytes >= 16 * 1024, `${level}: ${found.l1Bytes}`);
    const machine = new NativeMachine(native as Native, level, 1, { prefetchBytes: 128 });
    const expected = { ...measuredTuning(found), prefetchBytes: 128 };
    assert.deepEqual({ ...machine.capabilities.tuning, ...expected }, machine.capabilities.tuning, level);
    assert.equal(machine.datapathBits, datapathBits(found));
    await machine.close();
  }
});

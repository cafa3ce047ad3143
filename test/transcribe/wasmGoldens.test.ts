import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wasmFeatures } from '../../src/jit/wasm/webAssembly.js';
import { loadModel } from '../../src/transcribe/loadModel.js';
import { demoModelDir } from '../support/projectRoot.js';
import { checkGoldenClip } from './support/checkGoldenClip.js';
import { DEMO_CLIPS, type GoldenClip, SYNTHETIC_CLIP } from './support/goldenClips.js';

async function checkWasmGoldens(source: string, clips: readonly GoldenClip[], threads: number) {
  const model = await loadModel(source, { backend: 'wasm', threads });
  try {
    const { backend, isa, precision, threads: participants } = model.info;
    // Known after loading, which switches relaxed SIMD on where the runtime hides it.
    const expected = wasmFeatures().relaxedSimd ? 'relaxed-simd' : 'simd128';
    assert.deepEqual([backend, isa, precision, participants], ['wasm', expected, 'f32', threads]);
    for (const clip of clips) await checkGoldenClip(model, clip);
  } finally {
    await model.close();
  }
}

for (const threads of [1, 2, 3]) {
  test(`wasm, ${threads} threads: stages and tokens are those of the independent implementation`, () =>
    checkWasmGoldens(demoModelDir, DEMO_CLIPS, threads));
}

test('wasm: the synthetic model is that of the independent implementation', () =>
  checkWasmGoldens('synthetic:tiny:1', [SYNTHETIC_CLIP], 2));

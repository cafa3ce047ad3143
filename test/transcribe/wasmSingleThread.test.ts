import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wasmFeatures } from '../../src/jit/wasm/webAssembly.js';
import { fileReaderInto, readModelDirectory, weightBytes } from '../../src/model/modelDirectory.js';
import { buildModel } from '../../src/transcribe/buildModel.js';
import { openWasmBackend } from '../../src/transcribe/openWasmBackend.js';
import { demoModelDir } from '../support/projectRoot.js';
import { checkGoldenClip } from './support/checkGoldenClip.js';
import { DEMO_CLIPS } from './support/goldenClips.js';

/* What a page without shared memory runs: everything on the calling thread. Nothing here switches relaxed SIMD on, so
 * that Node 20 runs plain 128-bit vectors. */

test('wasm on the calling thread alone: stages and tokens are those of the independent implementation', async () => {
  const bytes = await weightBytes(demoModelDir);
  const { backend, provide } = await openWasmBackend({ threadCount: 3, weightBytes: bytes, spawn: null });
  const files = await readModelDirectory(demoModelDir, fileReaderInto(provide));
  const model = await buildModel(files, backend, { startMs: performance.now() });
  try {
    assert.equal(model.info.threads, 1);
    assert.equal(model.info.isa, wasmFeatures().relaxedSimd ? 'relaxed-simd' : 'simd128');
    for (const clip of DEMO_CLIPS) await checkGoldenClip(model, clip);
  } finally {
    await model.close();
  }
});

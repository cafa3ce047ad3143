import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wasmFeatures } from '../../src/jit/wasm/webAssembly.js';
import { fileReaderInto, readModelDirectory } from '../../src/model/modelDirectory.js';
import { spawnNodeParticipant } from '../../src/runtime/nodeThreads.js';
import { buildModel } from '../../src/transcribe/buildModel.js';
import { openWasmBackend } from '../../src/transcribe/openWasmBackend.js';
import { demoModelDir } from '../support/projectRoot.js';
import { checkGoldenClip } from './support/checkGoldenClip.js';
import { DEMO_CLIPS } from './support/goldenClips.js';

const GIB = 2 ** 30;

const skip = wasmFeatures().memory64 ? false : `Node ${process.version} has no memory64 (Node 22 has)`;

test('a memory with 64-bit addresses: stages and tokens are those of the independent implementation', {
  skip,
}, async () => {
  // Room for more weights than there are; pages that nobody touches cost nothing.
  const weightBytes = 4 * GIB;
  const { backend, provide } = await openWasmBackend({
    threadCount: 2,
    weightBytes,
    spawn: spawnNodeParticipant,
  });
  try {
    const above = provide(4 * GIB); // so that everything else lies beyond 32 bits
    assert.ok(above.buffer.byteLength > 4 * GIB);
    const files = await readModelDirectory(demoModelDir, fileReaderInto(provide));
    const model = await buildModel(files, backend, { startMs: performance.now() });
    for (const clip of DEMO_CLIPS) await checkGoldenClip(model, clip);
  } finally {
    await backend.close();
  }
});

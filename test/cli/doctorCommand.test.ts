import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadModel } from '../../src/index.js';
import { demoModelDir } from '../support/projectRoot.js';
import { runHere } from '../support/runHere.js';

test('doctor says what is found, tried and chosen, a line each', async () => {
  const { code, stdout, stderr } = await runHere('qwen_asr', ['doctor']);
  assert.deepEqual([code, stderr], [0, '']);
  const lines = stdout.trimEnd().split('\n');
  assert.deepEqual(
    lines.map((line) => line.slice(0, 14).trim()),
    [
      'qwen-asr',
      'runtime',
      'system',
      'processor',
      'machine code',
      'WebAssembly',
      'chosen',
      'ffmpeg',
      'models',
    ],
  );
  assert.ok(stdout.includes(`${process.platform} ${process.arch}`));
  assert.match(stdout, /^machine code {2}(.*self-test passed in \d|no: )/m);
  // What it says is what a model gets.
  const model = await loadModel(demoModelDir);
  const { backend, isa, threads } = model.info;
  await model.close();
  const chosen = backend === 'x64' ? `machine code (x64), ${isa}` : 'WebAssembly (wasm)';
  assert.ok(stdout.includes(`chosen        ${chosen}, ${threads} threads\n`), stdout);
});

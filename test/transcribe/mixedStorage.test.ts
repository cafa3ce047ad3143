import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadModel } from '../../src/index.js';
import { demoTensors, widenBf16, writeDemoCopy } from '../model/support/demoModel.js';
import { temporaryDirectory } from '../model/support/temporaryDirectory.js';
import { checkGoldenClip } from './support/checkGoldenClip.js';
import { DEMO_CLIPS } from './support/goldenClips.js';

/* One kernel multiplies gate_proj and up_proj: neither may be taken for what the other is stored as. Widening bf16 is
 * exact, so that the goldens of the model as it is hold. */

const WIDENED = /layers\.(0\.mlp\.up|1\.mlp\.gate|2\.mlp\.down|3\.self_attn\.k)_proj\.weight$/;
const tensors = demoTensors().map((tensor) =>
  WIDENED.test(tensor.name) ? { ...tensor, dtype: 'F32', bytes: widenBf16(tensor.bytes) } : tensor,
);

for (const backend of ['auto', 'wasm'] as const) {
  test(`${backend}, f32: a model some of whose matrices are stored in another type than their like`, async (context) => {
    const directory = temporaryDirectory(context);
    writeDemoCopy(directory, tensors);
    const model = await loadModel(directory, { backend, precision: 'f32' });
    try {
      const [clip] = DEMO_CLIPS;
      assert.ok(clip !== undefined);
      await checkGoldenClip(model, clip);
    } finally {
      await model.close();
    }
  });
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonicalName, checkpointName, detectLayout } from '../../src/model/modelTensors.js';

/** The project's own names are those of MLX's layout. */
const rows: [canonical: string, original: string, hf: string][] = [
  ['audio_tower.conv2d1.weight', 'thinker.audio_tower.conv2d1.weight', 'model.audio_tower.conv2d1.weight'],
  [
    'audio_tower.proj1.weight',
    'thinker.audio_tower.proj1.weight',
    'model.multi_modal_projector.linear_1.weight',
  ],
  ['audio_tower.proj2.bias', 'thinker.audio_tower.proj2.bias', 'model.multi_modal_projector.linear_2.bias'],
  [
    'model.layers.27.mlp.up_proj.weight',
    'thinker.model.layers.27.mlp.up_proj.weight',
    'model.language_model.layers.27.mlp.up_proj.weight',
  ],
  ['lm_head.weight', 'thinker.lm_head.weight', 'lm_head.weight'],
];

test('translates all layouts in both directions', () => {
  for (const [canonical, original, hf] of rows) {
    assert.equal(canonicalName(canonical, 'mlx'), canonical);
    assert.equal(checkpointName(canonical, 'mlx'), canonical);
    assert.equal(canonicalName(original, 'original'), canonical);
    assert.equal(canonicalName(hf, 'hf'), canonical);
    assert.equal(checkpointName(canonical, 'original'), original);
    assert.equal(checkpointName(canonical, 'hf'), hf);
  }
});

test('knows no other names', () => {
  assert.equal(canonicalName('visual.patch_embed.weight', 'original'), null);
  assert.equal(canonicalName('model.norm.weight', 'hf'), null);
  assert.equal(canonicalName('thinker.model', 'original'), null);
});

test('detects the layout by the majority of names', () => {
  assert.equal(detectLayout(rows.map(([, original]) => original)), 'original');
  assert.equal(detectLayout(rows.map(([, , hf]) => hf)), 'hf');
  assert.equal(detectLayout(rows.map(([canonical]) => canonical)), 'mlx');
  assert.equal(detectLayout(['lm_head.weight', ...rows.map(([, original]) => original)]), 'original');
  assert.equal(detectLayout(['thinker.model.norm.weight', ...rows.map(([, , hf]) => hf)]), 'hf');
  assert.equal(detectLayout(['encoder.weight']), null);
  assert.equal(detectLayout([]), null);
});

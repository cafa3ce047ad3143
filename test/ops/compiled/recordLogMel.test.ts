import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { melFilters } from '../../../src/audio/melSpectrogram.js';
import { loadWav } from '../../../src/audio/openAudio.js';
import { FFT_BINS, MEL_BINS, melFrameCount } from '../../../src/ops/logMelShape.js';
import type { Backend, Pass, Tensor } from '../../../src/ops/operators.js';
import { logMel } from '../../../src/ops/reference/logMel.js';
import { readGoldenStage, relativeRms } from '../../support/golden.js';
import { demoModelDir } from '../../support/projectRoot.js';
import { Random } from '../../support/random.js';
import { compiledTargets } from './support/compiledBackends.js';

const CLIPS = ['light-en', 'music-es', 'silence-3s', 'timer-en-noisy', 'morning-en', 'travel-de'];

interface Planned {
  readonly samples: Tensor;
  readonly y: Tensor;
  readonly pass: Pass;
}

function plan(backend: Backend, sampleCount: number): Planned {
  const scope = backend.createScope('mel');
  const samples = scope.tensor('samples', [sampleCount], 'f32');
  const filters = scope.tensor('filters', [MEL_BINS, FFT_BINS], 'f32');
  const y = scope.tensor('mel', [MEL_BINS, melFrameCount(sampleCount)], 'f32');
  const pass = backend.plan('mel', (ops) => ops.logMel({ samples, filters, y }));
  filters.write(melFilters());
  return { samples, y, pass };
}

async function compute(backend: Backend, samples: Float32Array): Promise<Float32Array> {
  const planned = plan(backend, samples.length);
  planned.samples.write(samples);
  await planned.pass.run();
  return planned.y.read();
}

for (const target of await compiledTargets()) {
  test(`the mel of every demo clip is that of the reference and of the golden, on ${target.name}`, {
    skip: target.missing,
  }, async () => {
    const backend = target.create(2);
    for (const clip of CLIPS) {
      const { samples } = await loadWav(join(demoModelDir, 'samples', `${clip}.wav`));
      const found = await compute(backend, samples);
      const error = relativeRms(found, logMel(samples, melFilters()));
      assert.ok(error <= 1e-5, `${clip}: ${error} from the reference`);
      const goldenError = relativeRms(found, readGoldenStage(`demo/${clip}`, 'mel'));
      assert.ok(goldenError <= 1e-4, `${clip}: ${goldenError} from the golden`);
    }
    await backend.close();
  });

  test(`clips of every length around a block and a vector have the same mel, on ${target.name}`, {
    skip: target.missing,
  }, async () => {
    const backend = target.create(3);
    const random = new Random(7);
    // One frame; fewer frames than a vector; the shortest clip; a block of 1024 frames, less, more, and two of them.
    const frameCounts = [1.3, 15, 16, 50, 51.9, 1023, 1024, 1025.5, 2048, 2077.1];
    for (const count of frameCounts) {
      const samples = random.floats(Math.max(201, Math.floor(count * 160)), 0.8);
      // Quiet at one place and loud at another, so that the floor matters and the maximum stands in one block.
      for (let i = 0; i < samples.length; i++) samples[i]! *= 1e-6 + Math.exp(-((i % 70_000) / 4000));
      const found = await compute(backend, samples);
      const expected = logMel(samples, melFilters());
      const error = relativeRms(found, expected);
      assert.ok(error <= 1e-5, `${count} frames: ${error}`);
      const worst = found.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]!)), 0);
      assert.ok(worst <= 2e-3, `${count} frames: a cell is off by ${worst}`);
    }
    await backend.close();
  });
}

const [target] = (await compiledTargets()).filter(({ missing }) => missing === false);

test('twenty minutes of audio need little memory besides samples and mel', {
  skip: target === undefined && 'no machine code on this machine',
}, async () => {
  const backend = target!.create(1);
  const sampleCount = 1200 * 16_000;
  plan(backend, sampleCount);
  const given = 4 * (sampleCount + MEL_BINS * melFrameCount(sampleCount) + MEL_BINS * FFT_BINS);
  assert.ok(backend.activationBytes - given < 20e6, `${backend.activationBytes - given} bytes`);
  await backend.close();
});

test('a sample that is not a number shows in the mel', {
  skip: target === undefined && 'no machine code on this machine',
}, async () => {
  const backend = target!.create(1);
  const samples = new Random(1).floats(16_000);
  samples[8000] = Number.NaN;
  const mel = await compute(backend, samples);
  assert.ok(mel.some(Number.isNaN));
  await backend.close();
});

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadWav } from '../../../src/audio/openAudio.js';
import { loadSileroWeights, SileroVad } from '../../../src/audio/vad/sileroVad.js';
import { processorMs } from '../../support/processorMs.js';
import { projectRoot } from '../../support/projectRoot.js';
import { Random } from '../../support/random.js';
import { loadSileroOracle } from './sileroOracle.js';

/** What a probability may differ from onnxruntime's. */
const TOLERANCE = 1e-4;

const SPEECH = ['light-en', 'music-es', 'timer-en', 'morning-en', 'weather-de'];
const SECOND = 16_000;

async function sample(name: string): Promise<Float32Array> {
  return (await loadWav(join(projectRoot, 'models', 'demo', 'samples', `${name}.wav`))).samples;
}

function made(seconds: number, value: (index: number) => number): Float32Array {
  return Float32Array.from({ length: seconds * SECOND }, (_, index) => value(index));
}

async function probabilities(samples: Float32Array): Promise<number[]> {
  const vad = new SileroVad(await loadSileroWeights());
  const found: number[] = [];
  for (let at = 0; at + 512 <= samples.length; at += 512) found.push(vad.probability(samples.subarray(at)));
  return found;
}

/** Recordings by what they are. */
async function* recordings(): AsyncGenerator<readonly [string, Float32Array]> {
  const random = new Random(7);
  const noise = (level: number) => () => level * (2 * random.uniform() - 1);
  const parts: Float32Array[] = [];
  for (const name of SPEECH) {
    const speech = await sample(name);
    yield [name, speech];
    parts.push(speech, made(2, noise(0.01)));
  }
  const speech = parts[0]!;
  yield ['under noise', speech.map((value) => value + noise(0.05)())];
  yield ['faint', speech.map((value) => value / 100)];
  yield ['silence', new Float32Array(3 * SECOND)];
  yield ['noise', made(4, noise(0.3))];
  yield ['hum', made(4, (i) => 0.3 * Math.sin((2 * Math.PI * 50 * i) / SECOND))];
  yield ['full scale', made(2, (i) => (Math.floor(i / 40) % 2 === 0 ? 1 : -1))];
  yield ['a long stream', Float32Array.from([...parts, ...parts].flatMap((part) => [...part]))];
}

const oracle = await loadSileroOracle();

if (typeof oracle === 'string') {
  // A missing oracle is an error where it must have been installed.
  if (process.env['CI'] === 'true')
    test('the oracle of voice activity is installed', () => assert.fail(oracle));
  else test('comparison with the published model in onnxruntime', { skip: oracle }, () => undefined);
} else {
  test('probabilities are those of the published model in onnxruntime', async () => {
    for await (const [name, samples] of recordings()) {
      const expected = await oracle.probabilities(samples);
      const found = await probabilities(samples);
      assert.equal(found.length, expected.length, name);
      const worst = Math.max(...found.map((value, i) => Math.abs(value - expected[i]!)));
      assert.ok(worst <= TOLERANCE, `${name}: ${worst}`);
    }
  });

  test('the weights are those of the published file', () => {
    const folder = mkdtempSync(join(tmpdir(), 'qwen-asr-vad-'));
    try {
      const target = join(folder, 'weights.ts');
      const script = join(projectRoot, 'scripts', 'extractVad.mjs');
      const { status, stderr } = spawnSync(process.execPath, [script, target], { encoding: 'utf8' });
      assert.equal(status, 0, stderr);
      const committed = readFileSync(join(projectRoot, 'src', 'audio', 'vad', 'sileroWeights.ts'));
      assert.ok(readFileSync(target).equals(committed));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}

test('speech is told from silence, noise and hum', async () => {
  for (const name of SPEECH) {
    const found = await probabilities(await sample(name));
    assert.ok(found.filter((value) => value > 0.5).length > found.length / 2, name);
  }
  const random = new Random(11);
  const others = {
    silence: new Float32Array(4 * SECOND),
    noise: made(4, () => 0.2 * (2 * random.uniform() - 1)),
    hum: made(4, (i) => 0.3 * Math.sin((2 * Math.PI * 50 * i) / SECOND)),
  };
  for (const [name, samples] of Object.entries(others)) {
    const found = await probabilities(samples);
    assert.ok(Math.max(...found) < 0.5, name);
  }
});

test('streams do not touch one another', async () => {
  const weights = await loadSileroWeights();
  const samples = await sample('timer-en');
  const [first, second] = [new SileroVad(weights), new SileroVad(weights)];
  const alone = await probabilities(samples);
  const beside = alone.map((_, i) => {
    second.probability(new Float32Array(512));
    return first.probability(samples.subarray(512 * i));
  });
  assert.deepEqual(beside, alone);
});

test('it takes a small part of the time that the sound takes', async () => {
  const vad = new SileroVad(await loadSileroWeights());
  const samples = await sample('morning-en');
  const run = (): void => {
    for (let at = 0; at + 512 <= samples.length; at += 512) vad.probability(samples.subarray(at));
  };
  run();
  // A fifth of what it does on a machine of its own: others that compute beside it slow a core down.
  const mostMs = (samples.length / SECOND) * (1000 / 20);
  const before = processorMs();
  run();
  assert.ok(processorMs() - before < mostMs);
});

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Decoder } from '../../src/decoder/decoder.js';
import { GreedyBatch, type GreedyInput } from '../../src/decoder/greedyBatch.js';
import { readModelConfig } from '../../src/model/config.js';
import { readModelDirectory } from '../../src/model/modelDirectory.js';
import type { ModelFiles } from '../../src/model/readModelFolder.js';
import { loadDecoderWeights } from '../../src/model/weights.js';
import { createReferenceBackend } from '../../src/ops/reference/referenceBackend.js';
import { nextTurn } from '../../src/runtime/nextTurn.js';
import { wrapBackend } from '../bench/support/wrapBackend.js';
import { readGolden, readGoldenStage } from '../support/golden.js';
import { demoModelDir } from '../support/projectRoot.js';

/** `<|audio_pad|>` of the demo model (its tokenizer_config.json). */
const AUDIO_PAD = 1964;

/** Visits to the event loop for which a prefill is held up: many more than planning waits for. */
const HELD_TURNS = 20;

const events: string[] = [];
const backend = createReferenceBackend();
const watched = wrapBackend(backend, {
  onPlan: (label) => void events.push(`plan ${label}`),
  beforeRun: async (label) => {
    if (label === 'prefill') for (let turn = 0; turn < HELD_TURNS; turn++) await nextTurn();
    events.push(`run ${label}`);
  },
});
let files: ModelFiles;
let decoder: Decoder;

before(async () => {
  files = await readModelDirectory(demoModelDir);
  const config = readModelConfig(files.tensors, files.configJson).decoder;
  decoder = new Decoder(watched, config, loadDecoderWeights(files.tensors, config, watched));
});

after(async () => {
  await backend.close();
  files.release();
});

function inputOf(name: string): GreedyInput {
  const ids = Int32Array.from(readGolden(name).prompt_ids);
  const audioStart = ids.indexOf(AUDIO_PAD);
  const prompt = { ids, audioStart, audioTokens: ids.lastIndexOf(AUDIO_PAD) + 1 - audioStart };
  return { prompt, audio: readGoldenStage(name, 'encoder') };
}

const input = inputOf('demo/silence-3s');
const options = { stopIds: new Set<number>(), budget: 9, exact: true };

async function withBatch(work: (batch: GreedyBatch) => Promise<void>): Promise<string[]> {
  const session = decoder.openSession({ sequences: 2, capacity: 128 });
  events.length = 0;
  try {
    await work(new GreedyBatch(session, 2));
  } finally {
    session.release();
  }
  return [...events];
}

test('the step that follows a prefill is planned while it runs, of as many rows as it will have', async () => {
  const found = await withBatch(async (batch) => {
    await batch.enter(input, options);
    await batch.step();
    await batch.enter(input, options);
    await batch.step();
  });
  const ofOne = ['plan prefill', 'plan decode step', 'run prefill', 'run decode step'];
  assert.deepEqual(found, [...ofOne, ...ofOne]);
});

test('of a prompt in pieces the last one prepares the step', async () => {
  const found = await withBatch(async (batch) => {
    const entering = batch.begin(input, options);
    await batch.advance(entering, input.prompt.ids.length - 1);
    await batch.advance(entering, 1);
  });
  assert.deepEqual(found, [
    ...['plan prefill', 'run prefill'],
    ...['plan prefill', 'plan decode step', 'run prefill'],
  ]);
});

test('a prefill that no step follows prepares none', async () => {
  const found = await withBatch(async (batch) => {
    await batch.enter(input, { ...options, budget: 1 });
  });
  assert.deepEqual(found, ['plan prefill', 'run prefill']);
});

test('a session that is released at once plans nothing any more', async () => {
  const session = decoder.openSession({ sequences: 1, capacity: 128 });
  events.length = 0;
  session.prepareStep(1);
  session.release();
  for (let turn = 0; turn < HELD_TURNS; turn++) await nextTurn();
  assert.deepEqual(events, []);
});

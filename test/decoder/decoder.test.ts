import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Decoder, type DecoderSession, ropeTables } from '../../src/decoder/decoder.js';
import { decodeGreedily, GreedyBatch, type GreedyOptions } from '../../src/decoder/greedyBatch.js';
import type { Prompt } from '../../src/decoder/prompt.js';
import { QwenAsrError } from '../../src/error.js';
import { readModelConfig } from '../../src/model/config.js';
import { readModelDirectory } from '../../src/model/modelDirectory.js';
import type { ModelFiles } from '../../src/model/readModelFolder.js';
import { loadDecoderWeights } from '../../src/model/weights.js';
import { createReferenceBackend } from '../../src/ops/reference/referenceBackend.js';
import { type Golden, readGolden, readGoldenStage, relativeRms } from '../support/golden.js';
import { demoModelDir } from '../support/projectRoot.js';

/** `<|audio_pad|>` of the demo model (its tokenizer_config.json). */
const AUDIO_PAD = 1964;
const CAPACITY = 256;

const backend = createReferenceBackend();
let files: ModelFiles;
let decoder: Decoder;

before(async () => {
  files = await readModelDirectory(demoModelDir);
  const config = readModelConfig(files.tensors, files.configJson).decoder;
  decoder = new Decoder(backend, config, loadDecoderWeights(files.tensors, config, backend));
});

after(async () => {
  await backend.close();
  files.release();
});

function promptOf(golden: Golden): Prompt {
  const ids = Int32Array.from(golden.prompt_ids);
  const audioStart = ids.indexOf(AUDIO_PAD);
  return { ids, audioStart, audioTokens: ids.lastIndexOf(AUDIO_PAD) + 1 - audioStart };
}

function inputOf(name: string): { prompt: Prompt; audio: Float32Array } {
  return { prompt: promptOf(readGolden(name)), audio: readGoldenStage(name, 'encoder') };
}

async function withSession<T>(work: (session: DecoderSession) => Promise<T>, sequences = 1): Promise<T> {
  const session = decoder.openSession({ sequences, capacity: CAPACITY });
  try {
    return await work(session);
  } finally {
    session.release();
  }
}

const CLIPS = [
  'timer-en',
  'timer-en-forced',
  'light-en',
  'light-en-context',
  'weather-de',
  'music-es',
  'silence-3s',
  'morning-en',
];

for (const clip of CLIPS) {
  test(`first logits and tokens of ${clip} match the independent implementation`, async () => {
    const name = `demo/${clip}`;
    const golden = readGolden(name);
    const stages = new Map<string, Float32Array>();
    const observer = (stage: string, values: Float32Array) => stages.set(stage, values);
    const session = decoder.openSession({ sequences: 1, capacity: CAPACITY, observer });
    const found: number[] = [];
    const options: GreedyOptions = { stopIds: new Set(golden.eos), budget: 64, exact: false };
    for await (const token of decodeGreedily(session, inputOf(name), options)) {
      found.push(token.id);
      assert.equal(token.isLast, token.isStop);
    }
    session.release();
    assert.deepEqual(found, golden.tokens);
    const error = relativeRms(stages.get('first_logits')!, readGoldenStage(name, 'first_logits'));
    assert.ok(error < 1e-4, `first_logits: relative RMS ${error}`);
  });
}

test('log-probabilities are those of a softmax over all logits', async () => {
  const name = 'demo/music-es';
  const logits = Array.from(readGoldenStage(name, 'first_logits'));
  const top = Math.max(...logits);
  const expected = -Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - top), 0));
  const choice = await withSession((session) => session.prefill({ sequence: 0, ...inputOf(name) }));
  assert.equal(choice.id, logits.indexOf(top));
  assert.ok(Math.abs(choice.logit - top) < 1e-3);
  assert.ok(Math.abs(choice.logProbability - expected) < 1e-5, `${choice.logProbability} ${expected}`);
});

test('decode steps choose what a prefill of the longer prompt chooses', async () => {
  const name = 'demo/morning-en';
  const { prompt, audio } = inputOf(name);
  const { tokens } = readGolden(name);
  for (const length of [1, 3, tokens.length - 1]) {
    const ids = Int32Array.of(...prompt.ids, ...tokens.slice(0, length));
    const longer = await withSession((session) =>
      session.prefill({ sequence: 0, prompt: { ...prompt, ids }, audio }),
    );
    const stepped = await withSession(async (session) => {
      let choice = await session.prefill({ sequence: 0, prompt, audio });
      for (let i = 0; i < length; i++) {
        const positions = Int32Array.of(prompt.ids.length + i);
        const step = { ids: Int32Array.of(tokens[i]!), positions, sequences: Int32Array.of(0) };
        choice = (await session.step(step))[0]!;
      }
      return choice;
    });
    assert.equal(stepped.id, longer.id);
    assert.ok(Math.abs(stepped.logit - longer.logit) < 1e-3, `${stepped.logit} ${longer.logit}`);
  }
});

test('sequences decoded side by side give the tokens that each gives alone', async () => {
  const names = ['demo/music-es', 'demo/timer-en', 'demo/silence-3s'];
  const goldens = names.map(readGolden);
  const found = await withSession(async (session) => {
    const outputs: number[][] = [];
    for (const [sequence, name] of names.entries()) {
      outputs.push([(await session.prefill({ sequence, ...inputOf(name) })).id]);
    }
    for (let step = 1; step < 12; step++) {
      const live = [...names.keys()].filter((i) => outputs[i]!.length < goldens[i]!.tokens.length);
      if (live.length === 0) break;
      const choices = await session.step({
        ids: Int32Array.from(live, (i) => outputs[i]!.at(-1)!),
        positions: Int32Array.from(live, (i) => goldens[i]!.prompt_ids.length + step - 1),
        sequences: Int32Array.from(live),
      });
      for (const [row, i] of live.entries()) outputs[i]!.push(choices[row]!.id);
    }
    return outputs;
  }, names.length);
  assert.deepEqual(
    found,
    goldens.map((golden) => golden.tokens),
  );
});

test('a batch of two takes in prompt after prompt and gives each its tokens', async () => {
  const names = ['music-es', 'silence-3s', 'timer-en', 'weather-de', 'silence-3s'].map(
    (clip) => `demo/${clip}`,
  );
  const goldens = names.map(readGolden);
  const outputs: number[][] = names.map(() => []);
  const rows: number[] = [];
  await withSession(async (session) => {
    const batch = new GreedyBatch(session, 2);
    const inSequence: number[] = [];
    for (let next = 0; next < names.length || batch.activeCount > 0; ) {
      if (batch.activeCount < 2 && next < names.length) {
        const options = { stopIds: new Set(goldens[next]!.eos), budget: 64, exact: false };
        const { sequence, token } = await batch.enter(inputOf(names[next]!), options);
        assert.equal(token.rows, 1);
        outputs[next]!.push(token.id);
        inSequence[sequence] = next++;
        continue;
      }
      const tokens = await batch.step();
      for (const { sequence, token } of tokens) {
        assert.equal(token.rows, tokens.length);
        outputs[inSequence[sequence]!]!.push(token.id);
      }
      rows.push(tokens.length);
    }
    await assert.rejects(
      async () => {
        for (let i = 0; i < 3; i++) {
          await batch.enter(inputOf(names[0]!), { stopIds: new Set(), budget: 9, exact: false });
        }
      },
      (error) => error instanceof QwenAsrError && error.code === 'internal',
    );
  }, 2);
  assert.deepEqual(
    outputs,
    goldens.map(({ tokens }) => tokens),
  );
  assert.ok(rows.filter((count) => count === 2).length > rows.length / 2, `rows of the steps: ${rows}`);
});

test('a budget of one token ends with the prefill', async () => {
  await withSession(async (session) => {
    const batch = new GreedyBatch(session, 1);
    for (let round = 0; round < 2; round++) {
      const options = { stopIds: new Set<number>(), budget: 1, exact: true };
      const { token } = await batch.enter(inputOf('demo/music-es'), options);
      assert.deepEqual([token.isLast, batch.activeCount], [true, 0]);
    }
  });
});

test('a budget of exactly N ignores end tokens, any other stops at them or at N', async () => {
  const name = 'demo/silence-3s';
  const { tokens, eos } = readGolden(name);
  const stopIds = new Set(eos);
  const run = (budget: number, exact: boolean) =>
    withSession(async (session) => {
      const found: { id: number; isStop: boolean; isLast: boolean }[] = [];
      for await (const token of decodeGreedily(session, inputOf(name), { stopIds, budget, exact })) {
        found.push(token);
      }
      return found;
    });
  const beyond = await run(tokens.length + 5, true);
  assert.equal(beyond.length, tokens.length + 5);
  assert.deepEqual(
    beyond.slice(0, tokens.length).map(({ id }) => id),
    tokens,
  );
  assert.equal(beyond[tokens.length - 1]!.isLast, false);
  const short = await run(2, false);
  assert.deepEqual(
    short.map(({ id, isStop, isLast }) => [id, isStop, isLast]),
    [
      [tokens[0], false, false],
      [tokens[1], false, true],
    ],
  );
});

test('a prompt that does not fit the session is refused', async () => {
  const { prompt, audio } = inputOf('demo/music-es');
  const session = decoder.openSession({ sequences: 1, capacity: prompt.ids.length - 1 });
  assert.throws(
    () => session.prefill({ sequence: 0, prompt, audio }),
    (error) => error instanceof QwenAsrError && error.code === 'internal',
  );
  session.release();
});

for (const from of [3, 12, 40]) {
  test(`a prompt goes on from position ${from} as if it had been computed whole, and verifies what is expected`, async () => {
    const name = 'demo/timer-en';
    const { prompt, audio } = inputOf(name);
    const expected = readGolden(name).tokens.slice(0, 6);
    const ids = Int32Array.of(...prompt.ids, ...expected);
    const choices = await withSession(async (session) => {
      await session.prefill({ sequence: 0, prompt, audio });
      const longer = { ...prompt, ids };
      return session.resume({ sequence: 0, prompt: longer, audio, from, choiceCount: 7 });
    });
    assert.deepEqual(
      choices.map(({ id }) => id),
      readGolden(name).tokens.slice(0, 7),
    );
  });
}

test('a choice for a position that is not computed is refused', async () => {
  const { prompt, audio } = inputOf('demo/timer-en');
  await withSession(async (session) => {
    const from = prompt.ids.length - 2;
    assert.throws(() => session.resume({ sequence: 0, prompt, audio, from, choiceCount: 3 }), {
      code: 'internal',
    });
  });
});

test('angles are position · θ^(−2i/headDim)', () => {
  const [positions, headDim, theta] = [3000, 128, 1e6];
  const { cos, sin } = ropeTables(positions, headDim, theta);
  assert.equal(cos.length, positions * 64);
  for (const position of [0, 1, 17, 2999]) {
    for (let i = 0; i < 64; i++) {
      const angle = position * Math.exp((-2 * i * Math.log(theta)) / headDim);
      assert.ok(Math.abs(cos[position * 64 + i]! - Math.cos(angle)) < 1e-7);
      assert.ok(Math.abs(sin[position * 64 + i]! - Math.sin(angle)) < 1e-7);
    }
  }
});

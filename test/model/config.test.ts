import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { QwenAsrError } from '../../src/error.js';
import { readModelConfig } from '../../src/model/config.js';
import {
  publishedTensors,
  qwen3Asr06B,
  qwen3Asr17B,
  qwen3ForcedAligner06B,
} from '../../src/model/publishedModels.js';
import { demoAlignerDir, demoModelDir } from '../support/projectRoot.js';
import { demoTensors, hfName } from './support/demoModel.js';
import { fakeTensors } from './support/fakeTensors.js';
import { oneLineError } from './support/oneLineError.js';
import { seededRandom } from './support/seededRandom.js';

const demoList = demoTensors();
const demo = fakeTensors(demoList);
const demoJson = readFileSync(join(demoModelDir, 'config.json'), 'utf8');

/** The demo model's README, with the constants of docs/model.md. */
const expectedDemo = {
  encoder: {
    dModel: 192,
    layers: 4,
    heads: 3,
    headDim: 64,
    ffn: 768,
    convChannels: 32,
    melBins: 128,
    chunkFrames: 100,
    tokensPerChunk: 13,
    windowTokens: 104,
    layerNormEpsilon: 1e-5,
  },
  decoder: {
    hidden: 256,
    layers: 4,
    heads: 4,
    kvHeads: 2,
    headDim: 64,
    intermediate: 640,
    vocab: 1967,
    rmsNormEpsilon: 1e-6,
    ropeTheta: 1e6,
    tied: true,
    headRows: 1967,
  },
};

test('the demo model, with and without config.json', () => {
  assert.deepEqual(readModelConfig(demo, demoJson), {
    ...expectedDemo,
    tokenIds: { audioPad: 1964, audioStart: 1962, audioEnd: 1963 },
    supportLanguages: ['English', 'German', 'Spanish', 'Chinese'],
  });
  assert.deepEqual(readModelConfig(demo), { ...expectedDemo, tokenIds: {} });
  assert.deepEqual(readModelConfig(demo, '{}'), { ...expectedDemo, tokenIds: {} });
});

test('the published sizes come from shapes alone', () => {
  const small = readModelConfig(fakeTensors(publishedTensors(qwen3Asr06B)));
  const large = readModelConfig(fakeTensors(publishedTensors(qwen3Asr17B)));
  const shared = {
    heads: 16,
    kvHeads: 8,
    headDim: 128,
    vocab: 151936,
    rmsNormEpsilon: 1e-6,
    ropeTheta: 1e6,
    headRows: 151936,
  };
  const constants = { headDim: 64, convChannels: 480, melBins: 128, chunkFrames: 100, tokensPerChunk: 13 };
  const encoder = { ...constants, windowTokens: 104, layerNormEpsilon: 1e-5 };
  assert.deepEqual(small, {
    encoder: { ...encoder, dModel: 896, layers: 18, heads: 14, ffn: 3584 },
    decoder: { ...shared, hidden: 1024, layers: 28, intermediate: 3072, tied: false },
    tokenIds: {},
  });
  assert.deepEqual(large, {
    encoder: { ...encoder, dModel: 1024, layers: 24, heads: 16, ffn: 4096 },
    decoder: { ...shared, hidden: 2048, layers: 28, intermediate: 6144, tied: false },
    tokenIds: {},
  });
});

test('the flat -hf layout', () => {
  const hf = fakeTensors(demoList.map((tensor) => ({ ...tensor, name: hfName(tensor.name) })));
  const text = {
    hidden_size: 256,
    rms_norm_eps: 2e-6,
    rope_parameters: { rope_theta: 5e5, rope_type: 'default' },
  };
  const audio = { num_attention_heads: 3, num_key_value_heads: 3, encoder_layers: 4, n_window_infer: 400 };
  const json = JSON.stringify({ audio_token_id: 1964, audio_config: audio, text_config: text });
  const config = readModelConfig(hf, json);
  assert.equal(config.decoder.ropeTheta, 5e5);
  assert.equal(config.decoder.rmsNormEpsilon, 2e-6);
  assert.equal(config.encoder.windowTokens, 52);
  assert.deepEqual(config.tokenIds, { audioPad: 1964 });
  const wrong = json.replace('"num_attention_heads":3', '"num_attention_heads":4');
  assert.throws(
    () => readModelConfig(hf, wrong),
    oneLineError('model', /audio_config\.num_attention_heads: expected 3 as in the tensors, found 4/),
  );
});

/** config.json of the demo model with one value changed. */
function changed(path: string, value: unknown): string {
  const root = JSON.parse(demoJson);
  const keys = path.split('.');
  const last = keys.pop() ?? '';
  let parent = root;
  for (const key of keys) parent = parent[key] ??= {};
  parent[last] = value;
  return JSON.stringify(root);
}

test('constants of config.json are used', () => {
  const read = (path: string, value: unknown) => readModelConfig(demo, changed(path, value));
  assert.equal(read('thinker_config.text_config.rope_theta', 10000).decoder.ropeTheta, 10000);
  assert.equal(read('thinker_config.text_config.rms_norm_eps', 1e-5).decoder.rmsNormEpsilon, 1e-5);
  assert.equal(read('thinker_config.audio_config.n_window_infer', 1600).encoder.windowTokens, 208);
  // 200 frames become 100, 50, 25 tokens; four such chunks make a window of 800 frames.
  const wide = read('thinker_config.audio_config.n_window', 100).encoder;
  assert.deepEqual([wide.chunkFrames, wide.tokensPerChunk, wide.windowTokens], [200, 25, 100]);
  // null means absent, as the Python libraries write it.
  assert.equal(read('thinker_config.text_config.rope_theta', null).decoder.ropeTheta, 1e6);
  assert.equal(read('thinker_config.text_config.rope_scaling', null).decoder.ropeTheta, 1e6);
});

const wrongValues: [path: string, value: unknown, pattern: RegExp][] = [
  ['thinker_config', 7, /thinker_config: expected an object, found 7/],
  ['thinker_config.text_config', 'x', /text_config: expected an object, found "x"/],
  ['thinker_config.audio_config', [], /audio_config: expected an object, found an array/],
  ['thinker_config.audio_config.d_model', 256, /d_model: expected 192 as in the tensors, found 256/],
  ['thinker_config.audio_config.encoder_layers', 5, /expected 4 as in the tensors, found 5/],
  ['thinker_config.audio_config.encoder_attention_heads', 4, /expected 3/],
  ['thinker_config.audio_config.encoder_ffn_dim', 511, /expected 768/],
  ['thinker_config.audio_config.downsample_hidden_size', 480, /expected 32/],
  ['thinker_config.audio_config.output_dim', 191, /expected 256/],
  ['thinker_config.audio_config.num_mel_bins', 80, /expected 128/],
  ['thinker_config.audio_config.n_window', 0, /n_window: expected a positive integer, found 0/],
  ['thinker_config.audio_config.n_window', '50', /found "50"/],
  ['thinker_config.audio_config.n_window', 1e9, /expected at most 750/],
  ['thinker_config.audio_config.n_window_infer', 850, /multiple of 2·n_window = 100, found 850/],
  ['thinker_config.audio_config.activation_function', 'relu', /expected gelu, found "relu"/],
  ['thinker_config.audio_config.scale_embedding', true, /expected false, found true/],
  ['thinker_config.text_config.vocab_size', 151936, /expected 1967 as in the tensors, found 151936/],
  ['thinker_config.text_config.hidden_size', 1024, /expected 256/],
  ['thinker_config.text_config.intermediate_size', 1, /expected 640/],
  ['thinker_config.text_config.num_hidden_layers', 28, /expected 4/],
  ['thinker_config.text_config.num_attention_heads', 16, /expected 4/],
  ['thinker_config.text_config.num_key_value_heads', 4, /expected 2/],
  ['thinker_config.text_config.head_dim', 128, /expected 64/],
  ['thinker_config.text_config.hidden_act', 'gelu', /expected silu/],
  ['thinker_config.text_config.attention_bias', true, /expected false/],
  ['thinker_config.text_config.rms_norm_eps', 0, /expected a positive number, found 0/],
  ['thinker_config.text_config.rope_theta', -1, /expected a positive number/],
  ['thinker_config.text_config.rope_theta', '1e6', /found "1e6"/],
  [
    'thinker_config.text_config.rope_scaling',
    { rope_type: 'yarn' },
    /rope_type: expected default or mrope, found "yarn"/,
  ],
  ['thinker_config.text_config.rope_parameters', { type: 'linear' }, /expected default or mrope/],
  ['thinker_config.text_config.tie_word_embeddings', false, /thinker\.lm_head\.weight is missing/],
  ['thinker_config.text_config.tie_word_embeddings', 'no', /expected true or false/],
  ['thinker_config.audio_token_id', 1967, /expected an id below the vocabulary's 1967, found 1967/],
  ['thinker_config.audio_start_token_id', -1, /expected a token id, found -1/],
  ['support_languages', 'English', /expected an array of strings, found "English"/],
  ['support_languages', ['English', 1], /expected an array of strings/],
];
for (const [path, value, pattern] of wrongValues) {
  test(`rejects ${path} = ${JSON.stringify(value)}`, () => {
    assert.throws(() => readModelConfig(demo, changed(path, value)), oneLineError('model', pattern));
  });
}

test('rejects what is not JSON', () => {
  for (const text of [
    '',
    '{',
    '[]',
    'null',
    '"x"',
    '{"thinker_config":{"text_config":{"rope_theta":1e999}}}',
    '{\u001b[2J',
    '{"a":\u0007}',
  ]) {
    assert.throws(() => readModelConfig(demo, text), oneLineError('model', /config\.json/), text);
  }
});

test('2000 random mutations of config.json give a sane config or a one-line error', () => {
  const random = seededRandom(7);
  const pick = (count: number) => Math.floor(random() * count);
  let accepted = 0;
  for (let round = 0; round < 2000; round++) {
    const characters = [...demoJson];
    for (let changes = 1 + pick(2); changes > 0; changes--) {
      const at = pick(characters.length);
      characters.splice(at, pick(2), '{}[]",:0123456789-.etrufalsn'.charAt(pick(28)));
    }
    try {
      const { encoder, decoder } = readModelConfig(demo, characters.join(''));
      assert.equal(encoder.windowTokens % encoder.tokensPerChunk, 0);
      assert.ok(decoder.rmsNormEpsilon > 0 && decoder.ropeTheta > 0 && Number.isFinite(decoder.ropeTheta));
      accepted++;
    } catch (error) {
      if (!(error instanceof QwenAsrError)) throw error;
      oneLineError('model')(error);
    }
  }
  assert.ok(accepted > 100 && accepted < 1900, `${accepted} of 2000 accepted`);
});

const wrongShapes: [name: string, shape: number[] | null, pattern: RegExp][] = [
  ['thinker.audio_tower.conv_out.weight', null, /thinker\.audio_tower\.conv_out\.weight is missing/],
  ['thinker.audio_tower.conv_out.weight', [128, 500], /expected 16·32 columns, found shape \[128, 500\]/],
  ['thinker.audio_tower.conv_out.weight', [100, 512], /expected a multiple of 64 rows/],
  ['thinker.audio_tower.conv_out.weight', [0, 512], /expected two positive dimensions/],
  ['thinker.audio_tower.conv2d1.weight', [32, 9], /expected 4 positive dimensions/],
  ['thinker.model.embed_tokens.weight', null, /embed_tokens\.weight is missing/],
  ['thinker.model.embed_tokens.weight', [1967], /expected two positive dimensions, found shape \[1967\]/],
  ['thinker.model.layers.0.self_attn.q_norm.weight', [33], /expected an even length/],
  ['thinker.model.layers.0.self_attn.q_proj.weight', [127, 256], /expected a multiple of 64 rows/],
  ['thinker.model.layers.0.self_attn.k_proj.weight', [192, 256], /a multiple of k_proj's 3 heads/],
];
for (const [name, shape, pattern] of wrongShapes) {
  test(`rejects ${name} ${shape === null ? 'missing' : JSON.stringify(shape)}`, () => {
    const list = demoList.flatMap((tensor): { name: string; shape: readonly number[] }[] => {
      if (tensor.name !== name) return [tensor];
      return shape === null ? [] : [{ name, shape }];
    });
    assert.throws(() => readModelConfig(fakeTensors(list)), oneLineError('model', pattern));
  });
}

test('a missing layer is named, however high the others go', () => {
  const without = demoList.filter((tensor) => !tensor.name.startsWith('thinker.model.layers.2.'));
  assert.throws(
    () => readModelConfig(fakeTensors(without)),
    oneLineError('model', /no tensors of model\.layers\.2, although layers go up to 3/),
  );
  const far = [...demoList, { name: 'thinker.audio_tower.layers.999999999.fc1.weight', shape: [1, 1] }];
  assert.throws(() => readModelConfig(fakeTensors(far)), oneLineError('model', /layers go up to 999999999/));
});

test('tied: a stored head is used whatever config.json says', () => {
  const head = { name: 'thinker.lm_head.weight', shape: [1967, 256] };
  const stored = fakeTensors([...demoList, head]);
  assert.equal(readModelConfig(stored, demoJson).decoder.tied, false);
  assert.equal(readModelConfig(stored).decoder.tied, false);
  const untied = changed('thinker_config.text_config.tie_word_embeddings', false);
  assert.equal(readModelConfig(stored, untied).decoder.tied, false);
});

/** Sizes as the aligner's README and its config.json state them. */
const alignerSizes = {
  hidden: 256,
  layers: 3,
  heads: 4,
  kvHeads: 2,
  vocab: 3046,
  headRows: 400,
  tied: false,
};

test('the demo aligner: classes, their time and the id of <timestamp>', () => {
  const json = readFileSync(join(demoAlignerDir, 'config.json'), 'utf8');
  const list = safetensorsList(join(demoAlignerDir, 'model.safetensors'));
  const config = readModelConfig(fakeTensors(list), json);
  assert.deepEqual(config.aligner, { classMs: 80, timestampId: 3045 });
  assert.deepEqual({ ...config.decoder, ...alignerSizes }, config.decoder);
  assert.deepEqual(config.tokenIds, { audioPad: 3043, audioStart: 3041, audioEnd: 3042 });

  // The head alone tells where there is no config.json, by its rows or by its name.
  assert.deepEqual(readModelConfig(fakeTensors(list)).aligner, { classMs: 80 });
  const hf = list.map(({ name, shape }) => ({ name: hfName(name).replace('lm_head', 'score'), shape }));
  const { aligner, decoder } = readModelConfig(fakeTensors(hf), '{}', '{"timestamp_segment_time": 40}');
  assert.deepEqual(aligner, { classMs: 40 });
  assert.equal(decoder.headRows, 400);
  // Of a model that writes text the head has to have the vocabulary's rows.
  assert.equal(readModelConfig(fakeTensors(list), '{}').aligner, undefined);
});

test('the published aligner, nested and flat', () => {
  const list = publishedTensors(qwen3ForcedAligner06B);
  const nested = {
    timestamp_token_id: 151705,
    timestamp_segment_time: 80,
    thinker_config: { model_type: 'qwen3_forced_aligner', classify_num: 5000 },
  };
  const { aligner, decoder, encoder } = readModelConfig(fakeTensors(list), JSON.stringify(nested));
  assert.deepEqual(aligner, { classMs: 80, timestampId: 151705 });
  assert.deepEqual([decoder.vocab, decoder.headRows, encoder.layers], [152064, 5000, 24]);
  const hf = list.map(({ name, shape }) => ({ name: hfName(name).replace('lm_head', 'score'), shape }));
  const flat = { architectures: ['Qwen3ASRForTokenClassification'], num_labels: 5000 };
  assert.deepEqual(readModelConfig(fakeTensors(hf), JSON.stringify(flat)).aligner, { classMs: 80 });
});

test('an aligner whose parts disagree is refused', () => {
  const list = safetensorsList(join(demoAlignerDir, 'model.safetensors'));
  const refuses = (config: object, pattern: RegExp): void =>
    assert.throws(
      () => readModelConfig(fakeTensors(list), JSON.stringify(config)),
      oneLineError('model', pattern),
    );
  refuses(
    { thinker_config: { classify_num: 399 } },
    /thinker_config\.classify_num: expected 400 as in the tensors, found 399/,
  );
  refuses(
    { timestamp_token_id: 3046, thinker_config: { classify_num: 400 } },
    /timestamp_token_id: expected an id below the vocabulary's 3046, found 3046/,
  );
});

/** Names and shapes of a weight file, read with JSON.parse and nothing of this project. */
function safetensorsList(path: string): { name: string; shape: number[] }[] {
  const file = readFileSync(path);
  const header: Record<string, { shape: number[] }> = JSON.parse(
    file.toString('utf8', 8, 8 + Number(file.readBigUInt64LE(0))),
  );
  return Object.entries(header).flatMap(([name, { shape }]) =>
    name === '__metadata__' ? [] : [{ name, shape }],
  );
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { median } from '../../src/bench/statistics/descriptive.js';
import { Decoder } from '../../src/decoder/decoder.js';
import { roundToBf16, widenBf16 } from '../../src/jit/numberFormats.js';
import type { DecoderConfig } from '../../src/model/config.js';
import { ModelTensors } from '../../src/model/modelTensors.js';
import { WeightForms } from '../../src/model/weightForms.js';
import { loadDecoderWeights } from '../../src/model/weights.js';
import type { Backend, Precision } from '../../src/ops/operators.js';
import type { IntegerForm, Parameter, PlainParameter } from '../../src/ops/parameter.js';
import { createReferenceBackend } from '../../src/ops/reference/referenceBackend.js';
import { chooseBackend } from '../../src/transcribe/chooseBackend.js';
import { Random } from '../support/random.js';
import { relativeRms } from '../support/relativeRms.js';

/*
 * Language models have a few channels whose values are many times those of the others. One scale for a row would leave
 * the others a few steps; a scale for each group leaves alone all groups that no such channel is in.
 */

/** Of a hundred channels of the residual stream, one is so many times the others. */
const OUTLIER = 30;

/** Models that are drawn: the error of a single one, which few channels decide, is half or twice another's. */
const MODELS = 5;

const CONFIG: DecoderConfig = {
  hidden: 1024,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headDim: 64,
  intermediate: 512,
  vocab: 256,
  headRows: 256,
  rmsNormEpsilon: 1e-6,
  ropeTheta: 1e6,
  tied: false,
};
const PROMPT = { ids: Int32Array.from({ length: 12 }, (_, i) => 7 * i + 3), audioStart: 4, audioTokens: 4 };

/** A decoder of random weights in which every matrix that writes to the residual stream writes outliers. */
function plantedDecoder(random: Random): ModelTensors {
  const { hidden, layers, heads, kvHeads, headDim, intermediate, vocab } = CONFIG;
  const outliers = new Set<number>();
  while (outliers.size < hidden / 100) outliers.add(random.integer(0, hidden - 1));
  const list: Parameter[] = [];
  const add = (name: string, shape: readonly number[], values: Float32Array) =>
    void list.push(bf16(`thinker.${name === 'lm_head' ? '' : 'model.'}${name}.weight`, shape, values));
  const matrix = (name: string, rows: number, columns: number, writes: 'rows' | 'columns' | null) => {
    const values = random.floats(rows * columns, Math.sqrt(3 / columns));
    if (writes !== null) {
      for (let i = 0; i < values.length; i++) {
        if (outliers.has(writes === 'rows' ? Math.floor(i / columns) : i % columns)) values[i]! *= OUTLIER;
      }
    }
    add(name, [rows, columns], values);
  };
  const norm = (name: string, length: number) =>
    add(
      name,
      [length],
      random.floats(length, 0.1).map((value) => 1 + value),
    );
  matrix('embed_tokens', vocab, hidden, 'columns');
  for (let layer = 0; layer < layers; layer++) {
    const prefix = `layers.${layer}`;
    norm(`${prefix}.input_layernorm`, hidden);
    matrix(`${prefix}.self_attn.q_proj`, heads * headDim, hidden, null);
    matrix(`${prefix}.self_attn.k_proj`, kvHeads * headDim, hidden, null);
    matrix(`${prefix}.self_attn.v_proj`, kvHeads * headDim, hidden, null);
    matrix(`${prefix}.self_attn.o_proj`, hidden, heads * headDim, 'rows');
    norm(`${prefix}.self_attn.q_norm`, headDim);
    norm(`${prefix}.self_attn.k_norm`, headDim);
    norm(`${prefix}.post_attention_layernorm`, hidden);
    matrix(`${prefix}.mlp.gate_proj`, intermediate, hidden, null);
    matrix(`${prefix}.mlp.up_proj`, intermediate, hidden, null);
    matrix(`${prefix}.mlp.down_proj`, hidden, intermediate, 'rows');
  }
  norm('norm', hidden);
  matrix('lm_head', vocab, hidden, null);
  return new ModelTensors('planted', list);
}

function bf16(name: string, shape: readonly number[], values: Float32Array): PlainParameter {
  const halves = new Uint16Array(values.length);
  roundToBf16(values, halves);
  return { name, shape, dtype: 'bf16', bytes: new Uint8Array(halves.buffer) };
}

/** Logits of the first token. */
async function firstLogits(
  backend: Backend,
  tensors: ModelTensors,
  forms: Pick<WeightForms, 'of'>,
): Promise<Float32Array> {
  const weights = loadDecoderWeights(tensors, CONFIG, backend, forms);
  await backend.placeWeights();
  let logits = new Float32Array();
  const observer = (stage: string, values: Float32Array) => {
    if (stage === 'first_logits') logits = values.slice();
  };
  const decoder = new Decoder(backend, CONFIG, weights);
  const session = decoder.openSession({ sequences: 1, capacity: 64, observer });
  // The encoder's output is part of the residual stream; it has no outliers here.
  const audio = new Random(5).floats(PROMPT.audioTokens * CONFIG.hidden);
  await session.prefill({ sequence: 0, prompt: PROMPT, audio });
  session.release();
  await backend.close();
  return logits;
}

/** What integers with one scale for a row would give. */
const ONE_SCALE_A_ROW: Pick<WeightForms, 'of'> = {
  of: (_name, { shape }): IntegerForm => ({ bits: 8, groupSize: shape[1]! }),
};

test('first logits beside outlier channels: half the error of one scale a row, and what each precision gives', async (t) => {
  const errors = new Map<string, number[]>();
  const note = (name: string, error: number): void => {
    errors.set(name, [...(errors.get(name) ?? []), error]);
  };
  for (let seed = 1; seed <= MODELS; seed++) {
    const tensors = plantedDecoder(new Random(seed));
    const forms = (precision: Precision) => new WeightForms(tensors, precision, 'f32');
    const exact = await firstLogits(createReferenceBackend(), tensors, forms('f32'));
    const errorOf = async (backend: Backend, chosen: Pick<WeightForms, 'of'>): Promise<number> =>
      relativeRms(await firstLogits(backend, tensors, chosen), exact);
    note('one scale a row', await errorOf(createReferenceBackend(), ONE_SCALE_A_ROW));
    note('reference int8', await errorOf(createReferenceBackend(), forms('int8')));
    for (const precision of ['bf16', 'int8', 'int4'] as const) {
      const backend = await fastBackend(precision);
      if (backend !== null) note(`x64 ${precision}`, await errorOf(backend, forms(precision)));
    }
  }
  for (const [name, list] of errors) t.diagnostic(`${name}: ${percent(median(list))}`);
  const rows = errors.get('one scale a row')!;
  for (const name of ['reference int8', 'x64 int8']) {
    const shares = errors.get(name)?.map((error, i) => error / rows[i]!) ?? [0];
    assert.ok(median(shares) <= 0.5, `${name} has ${shares} of the error of one scale a row`);
  }
});

test('a product with rows that have outliers is within 2 % of the exact one', async (t) => {
  const [rows, n, k] = [16, 64, 1024];
  const random = new Random(3);
  const values = random.floats(n * k, Math.sqrt(3 / k));
  const outliers = Array.from({ length: Math.ceil(k / 100) }, () => random.integer(0, k - 1));
  const inputs = random.floats(rows * k);
  for (let row = 0; row < rows; row++) for (const channel of outliers) inputs[row * k + channel]! *= OUTLIER;
  const parameter = bf16('w', [n, k], values);
  const stored = widenBf16(new Uint16Array(parameter.bytes.buffer)); // [n, k]
  const expected = Float32Array.from({ length: rows * n }, (_, at) => {
    const [row, column] = [Math.floor(at / n), at % n];
    let sum = 0;
    for (let i = 0; i < k; i++) sum += inputs[row * k + i]! * stored[column * k + i]!;
    return sum;
  });
  for (const backend of [createReferenceBackend(), await fastBackend('int8')]) {
    if (backend === null) continue;
    const weight = backend.weight(parameter, 'matrix', { bits: 8, groupSize: 64 });
    await backend.placeWeights();
    const scope = backend.createScope('outliers');
    const [x, y] = [scope.tensor('x', [rows, k], 'operand'), scope.tensor('y', [rows, n], 'f32')];
    const pass = backend.plan('product', (ops) => ops.linear({ x, weight, y }));
    x.write(inputs);
    await pass.run();
    const error = relativeRms(y.read(), expected);
    t.diagnostic(`${backend.isa}: ${percent(error)}`);
    assert.ok(error <= 0.02, `${backend.isa}: ${percent(error)}`);
    await backend.close();
  }
});

/** Machine code where there is some that multiplies this; null elsewhere. */
async function fastBackend(precision: Precision): Promise<Backend | null> {
  try {
    return (await chooseBackend({ backend: 'x64', precision }, 'planted')).backend;
  } catch {
    return null;
  }
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}

import { describeShape, quote } from './describe.js';
import { canonicalName, checkpointName, isSameShape, type ModelTensors } from './modelTensors.js';

/** What differs between the published models. */
interface PublishedSizes {
  readonly encoderLayers: number;
  readonly dModel: number;
  readonly ffn: number;
  readonly decoderLayers: number;
  readonly hidden: number;
  readonly intermediate: number;
  /** Rows of the embedding. */
  readonly vocab: number;
  /** The same, or the classes of an aligner. */
  readonly headRows: number;
}

/** A published checkpoint, as data that does not depend on the loader. */
export interface PublishedModel {
  /** For example `Qwen3-ASR-0.6B`. */
  readonly name: string;
  readonly sizes: PublishedSizes;
}

/** One tensor of a published checkpoint. */
export interface PublishedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** Every tensor has it. */
  readonly dtype: 'BF16';
}

/** https://huggingface.co/Qwen/Qwen3-ASR-0.6B */
export const qwen3Asr06B: PublishedModel = {
  name: 'Qwen3-ASR-0.6B',
  sizes: {
    encoderLayers: 18,
    dModel: 896,
    ffn: 3584,
    decoderLayers: 28,
    hidden: 1024,
    intermediate: 3072,
    vocab: 151936,
    headRows: 151936,
  },
};

/** https://huggingface.co/Qwen/Qwen3-ASR-1.7B */
export const qwen3Asr17B: PublishedModel = {
  name: 'Qwen3-ASR-1.7B',
  sizes: {
    encoderLayers: 24,
    dModel: 1024,
    ffn: 4096,
    decoderLayers: 28,
    hidden: 2048,
    intermediate: 6144,
    vocab: 151936,
    headRows: 151936,
  },
};

/** https://huggingface.co/Qwen/Qwen3-ForcedAligner-0.6B */
export const qwen3ForcedAligner06B: PublishedModel = {
  name: 'Qwen3-ForcedAligner-0.6B',
  sizes: {
    encoderLayers: 24,
    dModel: 1024,
    ffn: 4096,
    decoderLayers: 28,
    hidden: 1024,
    intermediate: 3072,
    vocab: 152064,
    headRows: 5000,
  },
};

const PUBLISHED_MODELS: readonly PublishedModel[] = [qwen3Asr06B, qwen3Asr17B, qwen3ForcedAligner06B];

/** A size that all published models share, or the name of one that differs. */
type Dimension = number | keyof PublishedSizes;

/** The tensors of the checkpoints: name (`#` stands for a layer number), in the layers of which stack, shape. */
const ROWS: readonly (readonly [
  name: string,
  stack: 'once' | 'encoder' | 'decoder',
  shape: readonly Dimension[],
])[] = [
  ['thinker.audio_tower.conv2d1.weight', 'once', [480, 1, 3, 3]],
  ['thinker.audio_tower.conv2d1.bias', 'once', [480]],
  ['thinker.audio_tower.conv2d2.weight', 'once', [480, 480, 3, 3]],
  ['thinker.audio_tower.conv2d2.bias', 'once', [480]],
  ['thinker.audio_tower.conv2d3.weight', 'once', [480, 480, 3, 3]],
  ['thinker.audio_tower.conv2d3.bias', 'once', [480]],
  ['thinker.audio_tower.conv_out.weight', 'once', ['dModel', 7680]],
  ['thinker.audio_tower.layers.#.self_attn.q_proj.weight', 'encoder', ['dModel', 'dModel']],
  ['thinker.audio_tower.layers.#.self_attn.q_proj.bias', 'encoder', ['dModel']],
  ['thinker.audio_tower.layers.#.self_attn.k_proj.weight', 'encoder', ['dModel', 'dModel']],
  ['thinker.audio_tower.layers.#.self_attn.k_proj.bias', 'encoder', ['dModel']],
  ['thinker.audio_tower.layers.#.self_attn.v_proj.weight', 'encoder', ['dModel', 'dModel']],
  ['thinker.audio_tower.layers.#.self_attn.v_proj.bias', 'encoder', ['dModel']],
  ['thinker.audio_tower.layers.#.self_attn.out_proj.weight', 'encoder', ['dModel', 'dModel']],
  ['thinker.audio_tower.layers.#.self_attn.out_proj.bias', 'encoder', ['dModel']],
  ['thinker.audio_tower.layers.#.self_attn_layer_norm.weight', 'encoder', ['dModel']],
  ['thinker.audio_tower.layers.#.self_attn_layer_norm.bias', 'encoder', ['dModel']],
  ['thinker.audio_tower.layers.#.fc1.weight', 'encoder', ['ffn', 'dModel']],
  ['thinker.audio_tower.layers.#.fc1.bias', 'encoder', ['ffn']],
  ['thinker.audio_tower.layers.#.fc2.weight', 'encoder', ['dModel', 'ffn']],
  ['thinker.audio_tower.layers.#.fc2.bias', 'encoder', ['dModel']],
  ['thinker.audio_tower.layers.#.final_layer_norm.weight', 'encoder', ['dModel']],
  ['thinker.audio_tower.layers.#.final_layer_norm.bias', 'encoder', ['dModel']],
  ['thinker.audio_tower.ln_post.weight', 'once', ['dModel']],
  ['thinker.audio_tower.ln_post.bias', 'once', ['dModel']],
  ['thinker.audio_tower.proj1.weight', 'once', ['dModel', 'dModel']],
  ['thinker.audio_tower.proj1.bias', 'once', ['dModel']],
  ['thinker.audio_tower.proj2.weight', 'once', ['hidden', 'dModel']],
  ['thinker.audio_tower.proj2.bias', 'once', ['hidden']],
  ['thinker.model.embed_tokens.weight', 'once', ['vocab', 'hidden']],
  ['thinker.model.layers.#.input_layernorm.weight', 'decoder', ['hidden']],
  ['thinker.model.layers.#.self_attn.q_proj.weight', 'decoder', [2048, 'hidden']],
  ['thinker.model.layers.#.self_attn.k_proj.weight', 'decoder', [1024, 'hidden']],
  ['thinker.model.layers.#.self_attn.v_proj.weight', 'decoder', [1024, 'hidden']],
  ['thinker.model.layers.#.self_attn.o_proj.weight', 'decoder', ['hidden', 2048]],
  ['thinker.model.layers.#.self_attn.q_norm.weight', 'decoder', [128]],
  ['thinker.model.layers.#.self_attn.k_norm.weight', 'decoder', [128]],
  ['thinker.model.layers.#.post_attention_layernorm.weight', 'decoder', ['hidden']],
  ['thinker.model.layers.#.mlp.gate_proj.weight', 'decoder', ['intermediate', 'hidden']],
  ['thinker.model.layers.#.mlp.up_proj.weight', 'decoder', ['intermediate', 'hidden']],
  ['thinker.model.layers.#.mlp.down_proj.weight', 'decoder', ['hidden', 'intermediate']],
  ['thinker.model.norm.weight', 'once', ['hidden']],
  ['thinker.lm_head.weight', 'once', ['headRows', 'hidden']],
];

/**
 * The list of a model's tensors with every layer written out.
 *
 * @example
 * publishedTensors(qwen3Asr06B).length; // 612
 */
export function publishedTensors({ sizes }: PublishedModel): PublishedTensor[] {
  const layersOf = { once: 1, encoder: sizes.encoderLayers, decoder: sizes.decoderLayers };
  return ROWS.flatMap(([name, stack, dimensions]) => {
    const shape = dimensions.map((size) => (typeof size === 'number' ? size : sizes[size]));
    return Array.from({ length: layersOf[stack] }, (_, layer) => ({
      name: name.replace('#', String(layer)),
      shape,
      dtype: 'BF16' as const,
    }));
  });
}

/**
 * Which published model has these tensors, judged by names and shapes in either layout; dtypes may differ, and a head
 * that repeats the embedding may be absent. Says nothing about the values: a synthetic model has published shapes too.
 *
 * @returns null when it is none of them.
 *
 * @example
 * identifyModel((await readModelDirectory('models/demo')).tensors); // null
 */
export function identifyModel(tensors: ModelTensors): PublishedModel | null {
  return PUBLISHED_MODELS.find((model) => hasItsTensors(tensors, model)) ?? null;
}

function hasItsTensors(tensors: ModelTensors, model: PublishedModel): boolean {
  let count = 0; // found
  for (const { name, shape } of publishedTensors(model)) {
    const canonical = canonicalName(name, 'original') ?? name;
    const found = tensors.byName.get(canonical);
    if (found === undefined) {
      if (canonical !== 'lm_head.weight' || !mayLackHead(model)) return false;
    } else if (isSameShape(found.shape, shape)) count++;
    else return false;
  }
  return count === tensors.byName.size; // and no others
}

/** Whether the head repeats the embedding, so that a checkpoint may leave it out. */
function mayLackHead({ sizes }: PublishedModel): boolean {
  return sizes.headRows === sizes.vocab;
}

/** `ok`: verified. `note`: worth knowing. `warning`: works, but not as published. `error`: cannot work or is damaged. */
type CheckSeverity = 'ok' | 'note' | 'warning' | 'error';

/** One line of a check. */
export interface CheckFinding {
  readonly severity: CheckSeverity;
  readonly message: string;
}

/** Differences named before the rest is only counted. */
const MOST_NAMED = 10;

/** A directory that has this part of a published model's tensors, in their shapes, is taken for a damaged copy of it. */
const DAMAGED_COPY_SHARE = 0.5;

/**
 * Compares a model's tensors with the published lists: names, shapes, dtypes, tensors that belong to nothing.
 *
 * @param published The list that identifyModel found to agree, or null.
 *
 * @example
 * checkTensorList(files.tensors, identifyModel(files.tensors));
 */
export function checkTensorList(tensors: ModelTensors, published: PublishedModel | null): CheckFinding[] {
  const findings = [dtypeFinding(tensors, published)];
  if (published !== null) {
    const count = publishedTensors(published).length;
    findings.push({
      severity: 'ok',
      message: `this is ${published.name}: the names and shapes of its ${count} tensors agree`,
    });
    if (!tensors.has('lm_head.weight')) {
      findings.push({ severity: 'note', message: 'no stored lm_head: the embedding serves as one' });
    }
  } else {
    findings.push(...differencesFromNearest(tensors));
  }
  if (tensors.layout === 'hf')
    findings.push({ severity: 'note', message: 'tensors are named as in -hf checkpoints' });
  if (tensors.unknownNames.length > 0) {
    const first = quote(tensors.unknownNames[0] ?? '');
    findings.push({
      severity: 'warning',
      message: `${tensors.unknownNames.length} tensors are no part of the model and are ignored, first ${first}`,
    });
  }
  return findings;
}

function dtypeFinding(tensors: ModelTensors, published: PublishedModel | null): CheckFinding {
  const counts = new Map<string, number>();
  const count = (dtype: string) => counts.set(dtype, (counts.get(dtype) ?? 0) + 1);
  for (const parameter of tensors.byName.values()) {
    count(parameter.dtype === 'affine' ? `of ${parameter.bits} bits` : parameter.dtype.toUpperCase());
  }
  for (const { dtype } of tensors.unsupported.values()) count(quote(dtype));
  const list = [...counts].map(([dtype, tensorCount]) => `${tensorCount} ${dtype}`).join(', ');
  const asPublished = counts.size === 1 && counts.has('BF16');
  return published === null || asPublished
    ? { severity: 'ok', message: `dtypes: ${list}` }
    : { severity: 'warning', message: `dtypes: expected BF16 throughout as published, found ${list}` };
}

function differencesFromNearest(tensors: ModelTensors): CheckFinding[] {
  const candidates = PUBLISHED_MODELS.map((model) => compare(tensors, model));
  const nearest = candidates.reduce((best, candidate) => (candidate.share > best.share ? candidate : best));
  if (nearest.share < DAMAGED_COPY_SHARE) {
    const names = PUBLISHED_MODELS.map((model) => model.name).join(' nor ');
    return [{ severity: 'note', message: `neither ${names}: a model of other sizes` }];
  }
  const findings: CheckFinding[] = nearest.differences
    .slice(0, MOST_NAMED)
    .map((difference) => ({ severity: 'warning', message: `unlike ${nearest.name}: ${difference}` }));
  const more = nearest.differences.length - MOST_NAMED;
  if (more > 0)
    findings.push({ severity: 'warning', message: `unlike ${nearest.name}: ${more} more differences` });
  return findings;
}

/** `share` of the published tensors that are there in their shapes, and what differs. */
function compare(
  tensors: ModelTensors,
  model: PublishedModel,
): { name: string; share: number; differences: string[] } {
  const differences: string[] = [];
  const expectedNames = new Set<string>();
  const expected = publishedTensors(model);
  let agreeing = 0;
  for (const { name, shape } of expected) {
    const canonical = canonicalName(name, 'original') ?? name;
    expectedNames.add(canonical);
    const shownName = checkpointName(canonical, tensors.layout);
    const found = tensors.byName.get(canonical) ?? tensors.unsupported.get(canonical);
    if (found === undefined) {
      if (canonical !== 'lm_head.weight' || !mayLackHead(model))
        differences.push(`tensor ${shownName} is missing`);
    } else if (isSameShape(found.shape, shape)) agreeing++;
    else {
      differences.push(
        `tensor ${shownName}: expected shape ${describeShape(shape)}, found ${describeShape(found.shape)}`,
      );
    }
  }
  for (const [canonical, { name }] of [...tensors.byName, ...tensors.unsupported]) {
    if (!expectedNames.has(canonical)) differences.push(`tensor ${quote(name)} is not in its list`);
  }
  return { name: model.name, share: agreeing / expected.length, differences };
}

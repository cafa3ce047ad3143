import { QwenAsrError } from '../error.js';
import { type Parameter, storedParts } from '../ops/parameter.js';
import { describeShape, quote } from './describe.js';

/** A tensor whose dtype this project does not compute with; an error only when a model needs it. */
export interface UnsupportedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** As the file spells it, for example `I64`. */
  readonly dtype: string;
}

/** The tensors of one model, found by the project's own names whatever layout the checkpoint has. */
export class ModelTensors {
  /** The directory, or `synthetic:SIZE:SEED`; messages begin with it. */
  readonly source: string;
  readonly layout: TensorLayout;
  /** By canonical name, in the order of the files. */
  readonly byName: ReadonlyMap<string, Parameter>;
  /** Checkpoint names that are no part of a Qwen3-ASR model. */
  readonly unknownNames: readonly string[];
  /** By canonical name. */
  readonly unsupported: ReadonlyMap<string, UnsupportedTensor>;
  /** Matrices are packed already: their bytes are places that others have passed through since. */
  readonly isStaged: boolean;

  /**
   * @throws QwenAsrError `model` when no tensor is named as in a Qwen3-ASR checkpoint, or two have one meaning.
   */
  constructor(
    source: string,
    parameters: readonly Parameter[],
    unsupported: readonly UnsupportedTensor[] = [],
    isStaged = false,
  ) {
    this.source = source;
    this.isStaged = isStaged;
    const names = [...parameters, ...unsupported].map((tensor) => tensor.name);
    const layout = detectLayout(names);
    if (layout === null) {
      const found =
        names[0] === undefined ? 'no tensors' : `${names.length} others, first ${quote(names[0])}`;
      throw new QwenAsrError(
        'model',
        `${source}: expected tensors such as thinker.audio_tower.conv_out.weight, found ${found}`,
      );
    }
    this.layout = layout;
    this.unknownNames = names.filter((name) => canonicalName(name, layout) === null);
    this.byName = this.#index(layout === 'mlx' ? parameters.map(channelsLast) : parameters);
    this.unsupported = this.#index(unsupported);
  }

  /** Elements of all known tensors. */
  get parameterCount(): number {
    let count = 0;
    for (const { shape } of this.byName.values()) count += shape.reduce((product, size) => product * size, 1);
    return count;
  }

  /** Bytes of all known tensors as the checkpoint stores them. */
  get byteLength(): number {
    let total = 0;
    for (const parameter of this.byName.values()) {
      for (const { bytes } of storedParts(parameter)) total += bytes.byteLength;
    }
    return total;
  }

  has(canonical: string): boolean {
    return this.byName.has(canonical);
  }

  /**
   * @param canonical For example `audio_tower.conv_out.weight`.
   * @throws QwenAsrError `model` when the tensor is missing or of a dtype that is not BF16, F16 or F32.
   */
  require(canonical: string): Parameter {
    const parameter = this.byName.get(canonical);
    if (parameter !== undefined) return parameter;
    const name = checkpointName(canonical, this.layout);
    const other = this.unsupported.get(canonical);
    throw new QwenAsrError(
      'model',
      other === undefined
        ? `${this.source}: tensor ${name} is missing`
        : `${this.source}: tensor ${name}: expected dtype BF16, F16 or F32, found ${quote(other.dtype)}`,
    );
  }

  /**
   * @throws QwenAsrError `model` when the tensor is missing, of another dtype, or not of this shape.
   */
  requireShape(canonical: string, shape: readonly number[]): Parameter {
    const parameter = this.require(canonical);
    if (isSameShape(parameter.shape, shape)) return parameter;
    const found = describeShape(parameter.shape);
    throw new QwenAsrError(
      'model',
      `${this.source}: tensor ${parameter.name}: expected shape ${describeShape(shape)}, found ${found}`,
    );
  }

  #index<T extends { readonly name: string }>(tensors: readonly T[]): Map<string, T> {
    const byName = new Map<string, T>();
    for (const tensor of tensors) {
      const canonical = canonicalName(tensor.name, this.layout);
      if (canonical === null) continue;
      const other = byName.get(canonical);
      if (other !== undefined) {
        throw new QwenAsrError(
          'model',
          `${this.source}: tensors ${quote(other.name)} and ${quote(tensor.name)} are the same weight`,
        );
      }
      byName.set(canonical, tensor);
    }
    return byName;
  }
}

/** Whether two shapes have the same dimensions. */
export function isSameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}

/** MLX stores convolutions as [out, kh, kw, in]; the model's meaning is [out, in, kh, kw]. */
function channelsLast(parameter: Parameter): Parameter {
  const [outputs = 0, height = 0, width = 0, inputs = 0] = parameter.shape;
  if (parameter.dtype === 'affine' || parameter.shape.length !== 4) return parameter;
  return { ...parameter, shape: [outputs, inputs, height, width], channels: 'last' };
}

/*
 * Tensors go by one name inside this project: the original checkpoint's, without its leading `thinker.`. Only what
 * follows knows how the published layouts spell them.
 */

/**
 * `original`: Qwen/Qwen3-ASR-*. `hf`: the same converted for the transformers library (`-hf`). `mlx`: as MLX's converters
 * write it, without `thinker.`, and with convolutions as [out, kh, kw, in].
 */
export type TensorLayout = 'original' | 'hf' | 'mlx';

const TENSOR_LAYOUTS: readonly TensorLayout[] = ['original', 'hf', 'mlx'];

/** What the head is called where the library knows a model as a token classifier. */
export const ALIGNER_HEAD = 'score.';

type NamePrefixes = Readonly<Record<'canonical' | TensorLayout, string>>;

/** Rows are tried from the top, so the two projection layers come before the tower they belong to. */
const PREFIXES: readonly NamePrefixes[] = [
  {
    canonical: 'audio_tower.proj1.',
    original: 'thinker.audio_tower.proj1.',
    hf: 'model.multi_modal_projector.linear_1.',
    mlx: 'audio_tower.proj1.',
  },
  {
    canonical: 'audio_tower.proj2.',
    original: 'thinker.audio_tower.proj2.',
    hf: 'model.multi_modal_projector.linear_2.',
    mlx: 'audio_tower.proj2.',
  },
  {
    canonical: 'audio_tower.',
    original: 'thinker.audio_tower.',
    hf: 'model.audio_tower.',
    mlx: 'audio_tower.',
  },
  // Part by part, so that `model.` alone does not make an `-hf` name one of MLX's.
  ...['model.embed_tokens.', 'model.layers.', 'model.norm.'].map((part) => ({
    canonical: part,
    original: `thinker.${part}`,
    hf: `model.language_${part}`,
    mlx: part,
  })),
  { canonical: 'lm_head.', original: 'thinker.lm_head.', hf: 'lm_head.', mlx: 'lm_head.' },
  // The head of an aligner, which tells times.
  { canonical: 'lm_head.', original: 'thinker.lm_head.', hf: ALIGNER_HEAD, mlx: 'lm_head.' },
];

/**
 * The project's name of a checkpoint tensor, or null when the layout has no such part.
 *
 * @example
 * canonicalName('model.multi_modal_projector.linear_1.bias', 'hf'); // audio_tower.proj1.bias
 */
export function canonicalName(checkpointName: string, layout: TensorLayout): string | null {
  return translate(checkpointName, layout, 'canonical');
}

/**
 * A tensor's name in checkpoints of the given layout.
 *
 * @example
 * checkpointName('model.norm.weight', 'original'); // thinker.model.norm.weight
 */
export function checkpointName(canonical: string, layout: TensorLayout): string {
  return translate(canonical, 'canonical', layout) ?? canonical;
}

/**
 * Which layout a checkpoint has: the one that knows most of its names, the earlier one of equals; null when none knows
 * any.
 *
 * @example
 * detectLayout(['thinker.model.norm.weight']); // original
 */
export function detectLayout(names: Iterable<string>): TensorLayout | null {
  const list = [...names];
  const known = TENSOR_LAYOUTS.map(
    (layout) => list.filter((name) => canonicalName(name, layout) !== null).length,
  );
  const most = Math.max(...known);
  return most === 0 ? null : TENSOR_LAYOUTS[known.indexOf(most)]!;
}

function translate(name: string, from: keyof NamePrefixes, to: keyof NamePrefixes): string | null {
  const row = PREFIXES.find((prefixes) => name.startsWith(prefixes[from]));
  return row === undefined ? null : row[to] + name.slice(row[from].length);
}

import { QwenAsrError } from '../error.js';
import { type Parameter, type PlainParameter, STORAGE_BYTES, storedParts } from '../ops/parameter.js';
import { transposeMatrices } from '../ops/transposeMatrices.js';
import { describeShape, quote } from './describe.js';
import { canonicalName, checkpointName, detectLayout, type TensorLayout } from './tensorNames.js';

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

  /**
   * @throws QwenAsrError `model` when no tensor is named as in a Qwen3-ASR checkpoint, or two have one meaning.
   */
  constructor(
    source: string,
    parameters: readonly Parameter[],
    unsupported: readonly UnsupportedTensor[] = [],
  ) {
    this.source = source;
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
    this.byName = this.#index(layout === 'mlx' ? parameters.map(channelsFirst) : parameters);
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
    if (
      shape.length !== parameter.shape.length ||
      shape.some((size, axis) => size !== parameter.shape[axis])
    ) {
      const found = describeShape(parameter.shape);
      throw new QwenAsrError(
        'model',
        `${this.source}: tensor ${parameter.name}: expected shape ${describeShape(shape)}, found ${found}`,
      );
    }
    return parameter;
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

/** MLX stores convolutions as [out, kh, kw, in]; the model's meaning is [out, in, kh, kw]. */
function channelsFirst(parameter: Parameter): Parameter {
  const [outputs = 0, height = 0, width = 0, inputs = 0] = parameter.shape;
  if (parameter.dtype === 'affine' || parameter.shape.length !== 4) return parameter;
  const elementBytes = STORAGE_BYTES[parameter.dtype];
  const Words = elementBytes === 4 ? Uint32Array : Uint16Array;
  const from = new Words(parameter.bytes.slice().buffer);
  const to = new Words(from.length);
  transposeMatrices(from, to, [outputs, height * width, inputs]);
  return { ...parameter, shape: [outputs, inputs, height, width], bytes: new Uint8Array(to.buffer) };
}

/** What a scan of one tensor found. */
export interface NonFinite {
  /** Elements that are NaN or an infinity. */
  readonly count: number;
  /** Row-major index of the first, -1 when there is none. */
  readonly firstIndex: number;
}

/**
 * Counts NaNs and infinities: elements whose exponent bits are all ones.
 *
 * @example
 * const bytes = new Uint8Array(new Uint16Array([0x3f80, 0x7fc0]).buffer); // bf16 1 and NaN
 * countNonFinite({ name: 'x', shape: [2], dtype: 'bf16', bytes }); // { count: 1, firstIndex: 1 }
 */
export function countNonFinite({ dtype, bytes }: PlainParameter): NonFinite {
  if (dtype === 'f32') {
    return scan(new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4), 0x7f800000);
  }
  const values = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2);
  return scan(values, dtype === 'bf16' ? 0x7f80 : 0x7c00);
}

function scan(values: Uint16Array | Uint32Array, exponentMask: number): NonFinite {
  let count = 0;
  let firstIndex = -1;
  for (let i = 0; i < values.length; i++) {
    if ((values[i]! & exponentMask) === exponentMask) {
      if (count++ === 0) firstIndex = i;
    }
  }
  return { count, firstIndex };
}

import { QwenAsrError } from '../error.js';
import { quantizeRows, widenRange } from '../ops/affineGroups.js';
import type { AffineBits, Parameter, PlainParameter } from '../ops/parameter.js';
import { transposeMatrices } from '../ops/transposeMatrices.js';
import type { ModelTensors } from './modelTensors.js';
import type { TensorToWrite } from './safetensors.js';
import { matrixBits } from './weightForms.js';
import { repeatsEmbedding } from './weights.js';

/** How a model is to be quantised. */
export interface QuantizeSetting {
  /** Of the decoder's matrices; embedding, head and encoder have 8 in either case, as 4 cost them accuracy. */
  readonly bits: 8 | 4;
  /** 32, 64 or 128. */
  readonly groupSize: number;
}

/** One matrix or vector of the model, and the tensors that it is written as. */
export interface WeightToWrite {
  readonly tensors: readonly TensorToWrite[];
  /** Bits of the matrix; null where it stays as it is. */
  readonly bits: AffineBits | null;
  /** Path of the module, as the `quantization` section of config.json names exceptions. */
  readonly module: string;
  /** The tensors' bytes, one tensor after the other, in pieces. */
  pieces(): Generator<Uint8Array, void>;
}

/** What becomes of a model. */
export interface QuantizePlan {
  readonly weights: readonly WeightToWrite[];
  /** Matrices whose rows no group divides: they stay as they are. */
  readonly ragged: readonly string[];
}

/** Values rounded at once: 4 MB of f32. */
const PIECE_ELEMENTS = 2 ** 20;

/**
 * What to write of a model, in MLX's names and layout. A stored head that repeats the embedding is left out: readers
 * then take the embedding.
 *
 * @example
 * planQuantizedTensors(files.tensors, { bits: 8, groupSize: 64 }).weights.length;
 */
export function planQuantizedTensors(tensors: ModelTensors, setting: QuantizeSetting): QuantizePlan {
  const ragged: string[] = [];
  const weights: WeightToWrite[] = [];
  for (const [name, parameter] of tensors.byName) {
    if (name === 'lm_head.weight' && repeatsEmbedding(tensors, () => {})) continue;
    const bits = isMatrix(name, parameter) ? matrixBits(name, setting.bits) : null;
    const [, columns = 0] = parameter.shape;
    if (bits !== null && columns % setting.groupSize === 0) {
      weights.push(affineWeight(name, parameter, bits, setting.groupSize));
    } else {
      if (bits !== null) ragged.push(name);
      weights.push(plainWeight(name, parameter));
    }
  }
  return { weights, ragged };
}

/** A matrix of a product or a look-up. */
function isMatrix(name: string, { shape }: Parameter): boolean {
  return shape.length === 2 && name.endsWith('.weight');
}

function affineWeight(
  name: string,
  parameter: Parameter,
  bits: AffineBits,
  groupSize: number,
): WeightToWrite {
  const [rows = 0, columns = 0] = parameter.shape;
  const module = name.slice(0, -'.weight'.length);
  const groups = columns / groupSize;
  const part = (suffix: string): TensorToWrite => ({
    name: `${module}.${suffix}`,
    dtype: 'BF16',
    shape: [rows, groups],
    byteLength: 2 * rows * groups,
  });
  const packedBytes = (rows * columns * bits) / 8;
  return {
    module,
    bits,
    tensors: [
      { name, dtype: 'U32', shape: [rows, (columns * bits) / 32], byteLength: packedBytes },
      part('scales'),
      part('biases'),
    ],
    *pieces() {
      const scales = new Uint16Array(rows * groups);
      const biases = new Uint16Array(rows * groups);
      const rowsAtOnce = Math.max(1, Math.floor(PIECE_ELEMENTS / columns));
      for (let row = 0; row < rows; row += rowsAtOnce) {
        const end = Math.min(rows, row + rowsAtOnce);
        const made = quantizeRows(widenRange(plain(parameter), row * columns, (end - row) * columns), {
          bits,
          groupSize,
        });
        scales.set(made.scales, row * groups);
        biases.set(made.biases, row * groups);
        yield made.packed;
      }
      yield new Uint8Array(scales.buffer);
      yield new Uint8Array(biases.buffer);
    },
  };
}

/** As it is, but for convolutions, which MLX stores as [out, kh, kw, in]. */
function plainWeight(name: string, parameter: Parameter): WeightToWrite {
  const { shape, dtype } = plain(parameter);
  const [outputs = 0, inputs = 0, height = 0, width = 0] = shape;
  const isConvolution = shape.length === 4;
  const stored = isConvolution ? [outputs, height, width, inputs] : shape;
  const dtypeName = dtype === 'bf16' ? 'BF16' : dtype === 'f16' ? 'F16' : 'F32';
  return {
    module: name.replace(/\.(weight|bias)$/, ''),
    bits: null,
    tensors: [{ name, dtype: dtypeName, shape: stored, byteLength: parameter.bytes.byteLength }],
    *pieces() {
      const step = 4 * PIECE_ELEMENTS;
      const bytes = isConvolution ? channelsLast(plain(parameter)) : parameter.bytes;
      for (let start = 0; start < bytes.byteLength; start += step) yield bytes.slice(start, start + step);
    },
  };
}

function channelsLast({ shape, dtype, bytes }: PlainParameter): Uint8Array {
  const [outputs = 0, inputs = 0, height = 0, width = 0] = shape;
  const from =
    dtype === 'f32' ? new Uint32Array(bytes.slice().buffer) : new Uint16Array(bytes.slice().buffer);
  const to = from.slice();
  transposeMatrices(from, to, [outputs, inputs, height * width]);
  return new Uint8Array(to.buffer);
}

function plain(parameter: Parameter): PlainParameter {
  if (parameter.dtype !== 'affine') return parameter;
  throw new QwenAsrError('model', `tensor ${parameter.name}: expected a model that is not quantised yet`);
}

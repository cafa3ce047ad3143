import { copyFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError, QwenAsrError } from '../error.js';
import { quantizeRows, widenRange } from '../ops/affineGroups.js';
import { channelsLast } from '../ops/convolutionChannels.js';
import type { AffineBits, Parameter, PlainParameter } from '../ops/parameter.js';
import { sameBytes } from '../ops/sameBytes.js';
import { readModelDirectory } from './modelDirectory.js';
import type { ModelTensors } from './modelTensors.js';
import { parseObject } from './modelText.js';
import { INDEX_FILE, SINGLE_FILE } from './readModelFolder.js';
import { repeatsEmbedding } from './repeatedHead.js';
import { safetensorsHead, type TensorToWrite } from './safetensors.js';
import { matrixBits } from './weightForms.js';
import { Draft, prepareModelFolder } from './writeWhole.js';

export interface WriteQuantizedOptions extends QuantizeSetting {
  /** Model directory that is not quantised. */
  readonly input: string;
  /** Made when it does not exist; must hold no model. */
  readonly output: string;
  readonly onProgress?: (progress: { readonly writtenBytes: number; readonly totalBytes: number }) => void;
  readonly signal?: AbortSignal;
}

/** What was written. */
export interface QuantizedDirectory {
  readonly totalBytes: number;
  /** Matrices that no group divides and that stay as they were. */
  readonly ragged: readonly string[];
}

/** What else of a directory belongs to a model: tokenizer, settings of its readers, licence. */
const COMPANION = /^(.*\.json|merges\.txt|chat_template\..*|LICENSE.*|README\.md)$/;

/**
 * Writes a model directory again with its matrices in affine groups of 8 or 4 bits, in the layout of MLX's converters.
 * Yields to the event loop between pieces; a file gets its name when it is complete.
 *
 * @throws QwenAsrError `file`, `model` (not a model, or quantised already), `memory`, `aborted`
 *
 * @example
 * await writeQuantized({ input: 'models/demo', output: '/tmp/demo-8bit', bits: 8, groupSize: 64 });
 */
export async function writeQuantized(options: WriteQuantizedOptions): Promise<QuantizedDirectory> {
  const { input, output, signal } = options;
  const files = await readModelDirectory(input, undefined, signal);
  try {
    const plan = await planQuantizedTensors(files.tensors, options);
    await prepareModelFolder(output, [SINGLE_FILE, INDEX_FILE, 'config.json']);
    const totalBytes = await writeWeights(plan, options);
    await copyCompanions(input, output);
    const config = quantizedConfig(files.configJson ?? '{}', `${input}/config.json`, plan, options);
    const file = await Draft.create(output, 'config.json');
    await file.write(new TextEncoder().encode(config));
    await file.finish();
    return { totalBytes, ragged: plan.ragged };
  } finally {
    files.release();
  }
}

async function writeWeights({ weights }: QuantizePlan, options: WriteQuantizedOptions): Promise<number> {
  const tensors = weights.flatMap((weight) => weight.tensors);
  const head = safetensorsHead(tensors, 'mlx');
  const totalBytes = tensors.reduce((sum, { byteLength }) => sum + byteLength, head.length);
  const file = await Draft.create(options.output, SINGLE_FILE);
  let writtenBytes = 0;
  const write = async (bytes: Uint8Array): Promise<void> => {
    if (options.signal?.aborted) throw new QwenAsrError('aborted', `${options.output}: writing was aborted`);
    await file.write(bytes);
    writtenBytes += bytes.length;
    options.onProgress?.({ writtenBytes, totalBytes });
  };
  try {
    await write(head);
    for (const weight of weights) for (const piece of weight.pieces()) await write(piece);
    await file.finish();
  } catch (error) {
    await file.discard();
    throw error;
  }
  return totalBytes;
}

/** The model's config.json with what its matrices are now, in both spellings that readers look for. */
function quantizedConfig(
  configJson: string,
  where: string,
  { weights }: QuantizePlan,
  { bits, groupSize }: QuantizeSetting,
): string {
  const quantization: Record<string, unknown> = { group_size: groupSize, bits, mode: 'affine' };
  for (const weight of weights) {
    if (weight.bits !== null && weight.bits !== bits) {
      quantization[weight.module] = { group_size: groupSize, bits: weight.bits };
    }
  }
  const config = parseObject(configJson, where);
  return `${JSON.stringify({ ...config, quantization, quantization_config: quantization }, null, 2)}\n`;
}

async function copyCompanions(input: string, output: string): Promise<void> {
  try {
    for (const name of await readdir(input)) {
      if (!COMPANION.test(name) || name === INDEX_FILE || name === 'config.json') continue;
      await copyFile(join(input, name), join(output, name));
    }
  } catch (cause) {
    throw fileError(output, cause);
  }
}

/** How a model is to be quantised. */
interface QuantizeSetting {
  /** Of the decoder's matrices; embedding, head and encoder have 8 in either case, as 4 cost them accuracy. */
  readonly bits: 8 | 4;
  /** 32, 64 or 128. */
  readonly groupSize: number;
}

/** One matrix or vector of the model, and the tensors that it is written as. */
interface WeightToWrite {
  readonly tensors: readonly TensorToWrite[];
  /** Bits of the matrix; null where it stays as it is. */
  readonly bits: AffineBits | null;
  /** Path of the module, as the `quantization` section of config.json names exceptions. */
  readonly module: string;
  /** The tensors' bytes, one tensor after the other, in pieces. */
  pieces(): Generator<Uint8Array, void>;
}

/** What becomes of a model. */
interface QuantizePlan {
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
 * (await planQuantizedTensors(files.tensors, { bits: 8, groupSize: 64 })).weights.length;
 */
async function planQuantizedTensors(tensors: ModelTensors, setting: QuantizeSetting): Promise<QuantizePlan> {
  const ragged: string[] = [];
  const weights: WeightToWrite[] = [];
  for (const [name, parameter] of tensors.byName) {
    if (name === 'lm_head.weight' && (await repeatsEmbedding(tensors, sameBytes))) continue;
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
      const bytes = isConvolution ? new Uint8Array(channelsLast(plain(parameter)).buffer) : parameter.bytes;
      for (let start = 0; start < bytes.byteLength; start += step) yield bytes.slice(start, start + step);
    },
  };
}

function plain(parameter: Parameter): PlainParameter {
  if (parameter.dtype !== 'affine') return parameter;
  throw new QwenAsrError('model', `tensor ${parameter.name}: expected a model that is not quantised yet`);
}

import { copyFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { QwenAsrError } from '../error.js';
import { fileError } from './fileError.js';
import { readModelDirectory } from './modelDirectory.js';
import { OpenOutput, prepareModelFolder } from './modelOutput.js';
import { parseObject } from './modelText.js';
import {
  planQuantizedTensors,
  type QuantizePlan,
  type QuantizeSetting,
  type WeightToWrite,
} from './quantizedTensors.js';
import { INDEX_FILE, SINGLE_FILE } from './weightFiles.js';

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

/** The header is padded with spaces so that the tensors begin at a multiple of this many bytes. */
const DATA_ALIGNMENT = 8;

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
    const plan = planQuantizedTensors(files.tensors, options);
    await prepareModelFolder(output, [SINGLE_FILE, INDEX_FILE, 'config.json']);
    const totalBytes = await writeWeights(plan, options);
    await copyCompanions(input, output);
    const config = quantizedConfig(files.configJson ?? '{}', `${input}/config.json`, plan, options);
    const file = await OpenOutput.create(output, 'config.json');
    await file.write(new TextEncoder().encode(config));
    await file.finish();
    return { totalBytes, ragged: plan.ragged };
  } finally {
    files.release();
  }
}

async function writeWeights({ weights }: QuantizePlan, options: WriteQuantizedOptions): Promise<number> {
  const header = safetensorsHeader(weights);
  const totalBytes = header.length + sumOfBytes(weights);
  const file = await OpenOutput.create(options.output, SINGLE_FILE);
  let writtenBytes = 0;
  const write = async (bytes: Uint8Array): Promise<void> => {
    if (options.signal?.aborted) throw new QwenAsrError('aborted', `${options.output}: writing was aborted`);
    await file.write(bytes);
    writtenBytes += bytes.length;
    options.onProgress?.({ writtenBytes, totalBytes });
  };
  try {
    await write(header);
    for (const weight of weights) for (const piece of weight.pieces()) await write(piece);
    await file.finish();
  } catch (error) {
    await file.discard();
    throw error;
  }
  return totalBytes;
}

function sumOfBytes(weights: readonly WeightToWrite[]): number {
  return weights.flatMap(({ tensors }) => tensors).reduce((sum, { byteLength }) => sum + byteLength, 0);
}

/** Length and JSON of a safetensors file whose tensors lie in the order of the list. */
function safetensorsHeader(weights: readonly WeightToWrite[]): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: { format: 'mlx' } };
  let offset = 0;
  for (const { name, dtype, shape, byteLength } of weights.flatMap(({ tensors }) => tensors)) {
    header[name] = { dtype, shape, data_offsets: [offset, offset + byteLength] };
    offset += byteLength;
  }
  const json = JSON.stringify(header);
  const length = Math.ceil(json.length / DATA_ALIGNMENT) * DATA_ALIGNMENT;
  const bytes = new Uint8Array(8 + length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(new TextEncoder().encode(json.padEnd(length)), 8);
  return bytes;
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

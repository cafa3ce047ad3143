import { copyFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError, QwenAsrError } from '../error.js';
import { readModelDirectory } from './modelDirectory.js';
import { parseObject } from './modelText.js';
import { planQuantizedTensors, type QuantizePlan, type QuantizeSetting } from './quantizedTensors.js';
import { INDEX_FILE, SINGLE_FILE } from './readModelFolder.js';
import { safetensorsHead } from './safetensors.js';
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
    const plan = planQuantizedTensors(files.tensors, options);
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

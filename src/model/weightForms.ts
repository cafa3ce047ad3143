import type { OperandType, Precision } from '../ops/operators.js';
import { type AffineParameter, type IntegerForm, type Parameter, STORAGE_BYTES } from '../ops/parameter.js';
import type { ModelTensors } from './modelTensors.js';
import { parseObject } from './modelText.js';

/** Weights that share a scale and a bias where the model is rounded while it is loaded. */
const GROUP_SIZE = 64;

/**
 * Bits of a matrix in a model of so many: the decoder's products take them; embedding, head and encoder always have 8,
 * because 4 cost them accuracy.
 *
 * @param name canonical
 */
export function matrixBits(name: string, bits: 8 | 4): 8 | 4 {
  return name.startsWith('model.layers.') ? bits : 8;
}

/**
 * Input channels of a convolution that share a scale: the fewer groups there are, the less their ends take (0.6B: 160 of 480).
 * On the demo model's held-out words groups of 32, 96 and 160 values made no difference.
 */
const CONVOLUTION_GROUPS = [160, 128, 96, 64, 32] as const;

/** Which matrices of a model are held as integers, and how: decided once for each, whatever the backend. */
export class WeightForms {
  /** What the model's products multiply, all in all. */
  readonly precision: Precision;
  /** Matrices that were to be rounded and stay as they are, because no group divides their rows; canonical names. */
  readonly ragged = new Set<string>();
  readonly #wanted: Precision | 'auto';

  /**
   * @param wanted `auto`: as the matrices are stored
   * @param operand what the backend multiplies where there are no integers
   */
  constructor(tensors: ModelTensors, wanted: Precision | 'auto', operand: OperandType) {
    this.#wanted = wanted;
    this.precision = wanted === 'auto' ? (storedPrecision(tensors) ?? operand) : wanted;
  }

  /** undefined: as floating-point numbers. */
  of(name: string, parameter: Parameter): IntegerForm | undefined {
    const wanted = this.#wanted;
    if (wanted === 'f32' || wanted === 'bf16') return undefined;
    if (parameter.dtype === 'affine') return affineForm(name, parameter, wanted);
    if (wanted === 'auto') return undefined;
    const [, columns = 0] = parameter.shape;
    if (columns % GROUP_SIZE === 0) {
      return { bits: matrixBits(name, wanted === 'int4' ? 4 : 8), groupSize: GROUP_SIZE };
    }
    this.ragged.add(name);
    return undefined;
  }

  /**
   * Of a convolution [Cout, Cin, 3, 3] with the channels last: 8 bits where others are rounded, else as it is stored.
   * undefined: as floating-point numbers.
   */
  ofConvolution({ shape }: Parameter): IntegerForm | undefined {
    if (this.#wanted !== 'int8' && this.#wanted !== 'int4') return undefined;
    const [, channels = 0] = shape;
    const groupSize = CONVOLUTION_GROUPS.find((size) => channels % size === 0);
    return groupSize === undefined ? undefined : { bits: 8, groupSize };
  }

  /** One line on the matrices that stay as they are; null where there are none. */
  get note(): string | null {
    const [first] = this.ragged;
    if (first === undefined) return null;
    const others = this.ragged.size - 1;
    const which = others === 0 ? `${first} keeps its type` : `${first} and ${others} more keep their type`;
    return `${which}: groups of ${GROUP_SIZE} do not divide the rows`;
  }
}

/** As it is stored, but for more bits than were asked for. */
function affineForm(
  name: string,
  { bits, groupSize }: AffineParameter,
  wanted: Precision | 'auto',
): IntegerForm {
  const stored = bits <= 4 ? 4 : 8;
  return { bits: wanted === 'int4' && matrixBits(name, 4) === 4 ? 4 : stored, groupSize };
}

/**
 * Bytes of packed integers that may be given memory before a model's matrices are packed; 0 where none is. The peak stays
 * what packing makes it: the embedding's source may be resident until all of it is packed, and a stored head that is compared
 * with it.
 */
export function bytesAhead(tensors: ModelTensors, forms: Pick<WeightForms, 'of'>): number {
  let total = 0;
  for (const [name, parameter] of tensors.byName) {
    const [rows = 0, columns = 0, ...others] = parameter.shape;
    if (others.length > 0 || columns === 0 || name === 'lm_head.weight') continue;
    const form = forms.of(name, parameter);
    // A scale and a bias of 16 bits for each group.
    if (form !== undefined) total += rows * columns * (form.bits / 8 + 4 / form.groupSize);
  }
  const embedding = tensors.byName.get('model.embed_tokens.weight');
  if (embedding === undefined) return 0;
  const elementBytes = embedding.dtype === 'affine' ? embedding.bits / 8 : STORAGE_BYTES[embedding.dtype];
  const source = embedding.shape.reduce((product, size) => product * size, elementBytes);
  return Math.max(0, total - source * (tensors.has('lm_head.weight') ? 2 : 1));
}

/**
 * What a model's products will multiply, before its weights are opened: config.json tells. Of one that cannot be read its
 * reader will complain.
 */
export function expectedPrecision(
  configJson: string | undefined,
  wanted: Precision | 'auto',
  operand: OperandType,
): Precision {
  if (wanted !== 'auto') return wanted;
  try {
    const { quantization, quantization_config } = parseObject(configJson ?? '{}', 'config.json');
    const { bits } = (quantization ?? quantization_config ?? {}) as { bits?: unknown };
    if (typeof bits === 'number') return bits <= 4 ? 'int4' : 'int8';
  } catch {}
  return operand;
}

/** By the decoder's matrices; null where none is quantised. */
function storedPrecision(tensors: ModelTensors): Precision | null {
  const affine = [...tensors.byName].filter(([, { dtype }]) => dtype === 'affine');
  if (affine.length === 0) return null;
  const isSmall = ([name, parameter]: [string, Parameter]): boolean =>
    name.startsWith('model.layers.') && parameter.dtype === 'affine' && parameter.bits <= 4;
  return affine.some(isSmall) ? 'int4' : 'int8';
}

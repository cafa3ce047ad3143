import { QwenAsrError } from '../error.js';
import { AFFINE_BITS, AFFINE_GROUPS } from '../ops/affineGroups.js';
import type { AffineBits, AffineParameter, PlainParameter } from '../ops/parameter.js';
import { ConfigDocument, type ConfigSection } from './configDocument.js';
import { describeShape, quote } from './describe.js';

/** A tensor of 32-bit words: the values of a quantised matrix, or something that no model needs. */
export interface WordTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** What a directory's tensors are once the quantised ones are put together. */
export interface AssembledTensors {
  readonly affine: readonly AffineParameter[];
  /** The others, as they were. */
  readonly plain: readonly PlainParameter[];
  /** Words without scales: no part of a quantised matrix. */
  readonly words: readonly WordTensor[];
}

/** Values in groups that share a scale and a bias. */
interface GroupSetting {
  readonly bits: AffineBits;
  readonly groupSize: number;
}

/**
 * Puts `X.weight` (words), `X.scales` and `X.biases` together to one matrix. Which matrices are quantised shows in the
 * tensors alone; how, in config.json: `quantization: {group_size, bits, mode}`, with another such object under the path
 * of a module that differs.
 *
 * @param configJson text of config.json
 * @throws QwenAsrError `model` for another mode than `affine`, for bits or groups that do not exist, for parts that are
 * missing or do not fit one another. Who places them finds scales that are not finite, see checkScales.
 */
export function assembleAffine(
  source: string,
  plain: readonly PlainParameter[],
  words: readonly WordTensor[],
  configJson: string | undefined,
): AssembledTensors {
  const floats = new Map(plain.map((parameter) => [parameter.name, parameter]));
  const settings = new QuantizationSettings(configJson, source);
  const affine: AffineParameter[] = [];
  const others: WordTensor[] = [];
  const used = new Set<string>();
  for (const word of words) {
    const module = word.name.endsWith('.weight') ? word.name.slice(0, -'.weight'.length) : null;
    const scales = module === null ? undefined : floats.get(`${module}.scales`);
    const biases = module === null ? undefined : floats.get(`${module}.biases`);
    if (module === null || (scales === undefined && biases === undefined)) {
      others.push(word);
      continue;
    }
    if (scales === undefined) throw fail(source, word.name, `${module}.scales is missing`);
    if (biases === undefined) throw fail(source, word.name, `${module}.biases is missing`);
    affine.push(assemble(source, word, scales, biases, settings.of(module)));
    used.add(scales.name).add(biases.name);
  }
  return { affine, plain: plain.filter(({ name }) => !used.has(name)), words: others };
}

function assemble(
  source: string,
  word: WordTensor,
  scales: PlainParameter,
  biases: PlainParameter,
  { bits, groupSize }: GroupSetting,
): AffineParameter {
  const [rows = 0, rowWords = 0] = word.shape;
  const [scaleRows, groups = 0] = scales.shape;
  const columns = groups * groupSize;
  const fits =
    word.shape.length === 2 &&
    scales.shape.length === 2 &&
    scaleRows === rows &&
    rowWords * 32 === columns * bits;
  if (!fits || columns === 0) {
    throw fail(
      source,
      word.name,
      `shape ${describeShape(word.shape)} of ${bits} bits in groups of ${groupSize} does not fit scales of ${describeShape(scales.shape)}`,
    );
  }
  if (describeShape(biases.shape) !== describeShape(scales.shape)) {
    const found = `${describeShape(scales.shape)} and ${describeShape(biases.shape)}`;
    throw fail(source, word.name, `expected scales and biases of one shape, found ${found}`);
  }
  return {
    name: word.name,
    shape: [rows, columns],
    dtype: 'affine',
    bytes: word.bytes,
    bits,
    groupSize,
    scales,
    biases,
    source,
  };
}

/** The `quantization` section of config.json. */
class QuantizationSettings {
  readonly #section: ConfigSection;
  readonly #source: string;

  constructor(configJson: string | undefined, source: string) {
    this.#source = source;
    const { root } = new ConfigDocument(configJson, source);
    this.#section = root.objectAt('quantization') ?? root.section('quantization_config');
  }

  /** How a module's weight is quantised: as its own entry says, else as the whole section does. */
  of(module: string): GroupSetting {
    return this.#read(this.#section.objectAt(module) ?? this.#section, module);
  }

  #read(section: ConfigSection, module: string): GroupSetting {
    const mode = section.string('mode') ?? this.#section.string('mode') ?? 'affine';
    if (mode !== 'affine') throw section.error('mode', `expected affine, found ${quote(mode)}`);
    const bits = section.size('bits') ?? this.#section.size('bits');
    const groupSize = section.size('group_size') ?? this.#section.size('group_size');
    if (bits === undefined || groupSize === undefined) {
      throw fail(this.#source, `${module}.weight`, 'config.json does not say its bits and group_size');
    }
    const known = AFFINE_BITS.find((width) => width === bits);
    if (known === undefined) throw section.error('bits', `expected ${AFFINE_BITS.join(', ')}, found ${bits}`);
    if (!AFFINE_GROUPS.includes(groupSize)) {
      throw section.error('group_size', `expected ${AFFINE_GROUPS.join(', ')}, found ${groupSize}`);
    }
    return { bits: known, groupSize };
  }
}

function fail(source: string, name: string, problem: string): QwenAsrError {
  return new QwenAsrError('model', `${source}: quantised tensor ${name}: ${problem}`);
}

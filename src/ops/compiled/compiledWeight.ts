import { QwenAsrError } from '../../error.js';
import { roundToBf16, widenBf16, widenF16 } from '../../jit/numberFormats.js';
import type { Memory } from '../../kernels/kernel.js';
import type { AffineBlocks } from '../../kernels/matrix/formats/affineBlocks.js';
import { convolvesIntegers } from '../../kernels/matrix/productPolicy.js';
import type { Arena } from '../../runtime/arena.js';
import type { Machine } from '../../runtime/machine.js';
import { dequantizeRows } from '../affineGroups.js';
import { channelsLast, transposed } from '../convolutionChannels.js';
import { checkScales } from '../nonFinite.js';
import type { Weight } from '../operators.js';
import type { IntegerForm, Parameter, PlainParameter, StorageDtype } from '../parameter.js';
import { BlockPacker } from './blockPacker.js';
import { checkConvolutionShape, checkMatrixShape } from './checkShapes.js';

/** A checkpoint tensor where kernels can read it. */
export interface CompiledWeight extends Weight, Memory {
  /** How it lies there; may differ from the checkpoint's dtype. */
  readonly element: 'f32' | 'bf16' | AffineBlocks;
  /** `matrix` as stored; `vector` f32; `convolution` [Cout, 3, 3, Cin], or [9, Cout] f32 where Cin is 1. Blocks: of its rows. */
  readonly layout: 'matrix' | 'vector' | 'convolution';
}

/** Places weights: matrices in place where kernels read their type, everything else as a converted copy. */
export class WeightPlacer {
  private readonly machine: Machine;
  private readonly arena: Arena;
  private readonly operand: 'f32' | 'bf16';
  private readonly placed = new Map<Uint8Array, CompiledWeight>();
  private largest: Memory | null = null;
  /** What is packed later. */
  readonly packer: BlockPacker;

  constructor(machine: Machine, arena: Arena, operand: 'f32' | 'bf16') {
    this.machine = machine;
    this.arena = arena;
    this.operand = operand;
    this.packer = new BlockPacker(machine, arena);
  }

  /**
   * The same bytes (a tied lm_head) are placed once. With a form they are packed as integers, by `packer.run`.
   *
   * @throws QwenAsrError `unsupported` for a shape that the kernels do not multiply; `memory`
   */
  place(parameter: Parameter, layout: CompiledWeight['layout'], form?: IntegerForm): CompiledWeight {
    const known = this.placed.get(parameter.bytes);
    if (known !== undefined && known.layout === layout && known.name === parameter.name) return known;
    const weight = this.placeIn(parameter, layout, form);
    this.placed.set(parameter.bytes, weight);
    return weight;
  }

  /** The largest matrix that kernels read where it was stored or packed; null when there is none. */
  get largestInPlace(): Memory | null {
    return this.largest;
  }

  private placeIn(
    parameter: Parameter,
    layout: CompiledWeight['layout'],
    form?: IntegerForm,
  ): CompiledWeight {
    if (form === undefined) return this.placeAs(parameter, layout);
    if (layout !== 'convolution') return this.pack(parameter, form);
    if (convolvesIntegers(this.machine.capabilities)) return this.packConvolution(parameter, form);
    return this.placeAs(parameter, layout);
  }

  private placeAs(parameter: Parameter, layout: CompiledWeight['layout']): CompiledWeight {
    const { name, shape, dtype } = parameter;
    if (parameter.dtype === 'affine') checkScales(parameter);
    if (layout === 'vector') {
      return { name, shape, dtype, layout, element: 'f32', ...this.copyFloats(toF32(parameter)) };
    }
    if (layout === 'convolution') return this.placeConvolution(parameter);
    checkMatrixShape(name, shape);
    const inPlace = dtype === 'bf16' || (dtype === 'f32' && this.operand === 'f32');
    if (inPlace) {
      const element = dtype === 'bf16' ? 'bf16' : 'f32';
      const { byteLength } = parameter.bytes;
      const { address } = this.machine.place(parameter.bytes);
      this.noteLargest({ address, byteLength });
      return { name, shape, dtype, layout, element, address, byteLength };
    }
    return { name, shape, dtype, layout, ...this.copyOperand(toF32(parameter)) };
  }

  private pack(parameter: Parameter, form: IntegerForm): CompiledWeight {
    const { name, shape, dtype } = parameter;
    const packed = this.packer.add(parameter, form);
    this.noteLargest(packed);
    return { name, shape, dtype, layout: 'matrix', ...packed };
  }

  /** Channels last too, in memory that the packer gives back. */
  private packConvolution(parameter: Parameter, form: IntegerForm): CompiledWeight {
    const { name, shape, dtype, bytes } = parameter;
    checkConvolutionShape(name, shape);
    if (dtype === 'affine') throw new QwenAsrError('internal', `${name}: a convolution in affine groups`);
    const [outputs, inputs] = shape as [number, number];
    const rows = { name, dtype, shape: [outputs, 9 * inputs], bytes };
    const packed =
      parameter.channels === 'last' ? this.packer.add(rows, form) : this.packMoved(rows, parameter, form);
    return { name, shape, dtype, layout: 'convolution', ...packed };
  }

  /** @param rows what the parameter is with its channels last, but for the bytes */
  private packMoved(rows: PlainParameter, parameter: PlainParameter, form: IntegerForm) {
    const moved = new Uint8Array(channelsLast(parameter).buffer);
    const block = this.arena.allocate(moved.length);
    const bytes = new Uint8Array(block.buffer, block.bufferOffset, moved.length);
    bytes.set(moved);
    return this.packer.add({ ...rows, bytes }, form, block);
  }

  private noteLargest({ address, byteLength }: Memory): void {
    if (byteLength > (this.largest?.byteLength ?? 0)) this.largest = { address, byteLength };
  }

  /** Channels last, so that a row of the window is one run of memory in weight and image alike. */
  private placeConvolution(parameter: Parameter): CompiledWeight {
    const { name, shape } = parameter;
    checkConvolutionShape(name, shape);
    const { dtype } = parameter as PlainParameter; // quantised are matrices alone, which have another shape
    const [outputs = 0, inputs] = shape;
    const layout = 'convolution';
    if (dtype === 'bf16' && inputs !== 1 && (parameter as PlainParameter).channels === 'last') {
      return { name, shape, dtype, layout, element: 'bf16', ...this.copyBytes(parameter.bytes) };
    }
    const moved = channelsLast(parameter as PlainParameter);
    if (inputs === 1) {
      const values = floatsOf(transposed(moved, [1, outputs, 9]), dtype);
      return { name, shape, dtype, layout, element: 'f32', ...this.copyFloats(values) };
    }
    // bf16 checkpoints stay bf16: widening them is exact, so f32 arithmetic loses nothing.
    if (dtype === 'bf16') {
      const bytes = new Uint8Array(moved.buffer);
      return { name, shape, dtype, layout, element: 'bf16', ...this.copyBytes(bytes) };
    }
    return { name, shape, dtype, layout, ...this.copyOperand(floatsOf(moved, dtype)) };
  }

  private copyOperand(values: Float32Array): Memory & { element: 'f32' | 'bf16' } {
    if (this.operand === 'bf16') return { element: 'bf16', ...this.copyBf16(values) };
    return { element: 'f32', ...this.copyFloats(values) };
  }

  private copyBytes(bytes: Uint8Array): Memory {
    const { byteLength } = bytes;
    const block = this.arena.allocate(byteLength);
    new Uint8Array(block.buffer, block.bufferOffset, byteLength).set(bytes);
    return { address: block.address, byteLength };
  }

  private copyFloats(values: Float32Array): Memory {
    const { byteLength } = values;
    const block = this.arena.allocate(byteLength);
    new Float32Array(block.buffer, block.bufferOffset, values.length).set(values);
    return { address: block.address, byteLength };
  }

  private copyBf16(values: Float32Array): Memory {
    const byteLength = 2 * values.length;
    const block = this.arena.allocate(byteLength);
    roundToBf16(values, new Uint16Array(block.buffer, block.bufferOffset, values.length));
    return { address: block.address, byteLength };
  }
}

/** All values of a parameter, widened exactly. */
function toF32(parameter: Parameter): Float32Array {
  if (parameter.dtype === 'affine') return dequantizeRows(parameter, 0, parameter.shape[0]);
  // A copy: element access in a mapping of gigabytes is slow in V8, copying it is not.
  const { buffer } = parameter.bytes.slice();
  return floatsOf(
    parameter.dtype === 'f32' ? new Uint32Array(buffer) : new Uint16Array(buffer),
    parameter.dtype,
  );
}

/** What the bits of a type stand for. */
function floatsOf(words: Uint16Array | Uint32Array, dtype: StorageDtype): Float32Array {
  if (words instanceof Uint32Array) return new Float32Array(words.buffer);
  return dtype === 'bf16' ? widenBf16(words) : widenF16(words);
}

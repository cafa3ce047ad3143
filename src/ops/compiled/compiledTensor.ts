import { QwenAsrError } from '../../error.js';
import { roundToBf16, widenBf16 } from '../../jit/numberFormats.js';
import type { FeatureMapLayout } from '../../kernels/audio/featureMap.js';
import type { Memory } from '../../kernels/kernel.js';
import type { ArenaBlock } from '../../runtime/arena.js';
import type { ActivationDtype, FeatureMap, KvCache, Tensor, Weight } from '../operators.js';
import type { CompiledWeight } from './compiledWeight.js';

/** How elements lie in memory. */
export type ElementType = 'f32' | 'bf16' | 'i32';

export const ELEMENT_BYTES: Readonly<Record<ElementType, number>> = { f32: 4, bf16: 2, i32: 4 };

/** What holds tensors, as far as they and the passes over them know it: a `CompiledScope`. */
export interface TensorScope {
  /** @throws QwenAsrError `closed` once the memory behind the scope is gone */
  readonly checkOpen: () => void;
  /** Memory that lives as long as the scope; not cleared. */
  allocate(byteLength: number): ArenaBlock;
}

/** A tensor in kernel memory. */
export class CompiledTensor implements Tensor, Memory {
  readonly scope: TensorScope;
  readonly label: string;
  readonly shape: readonly number[];
  readonly dtype: ActivationDtype;
  readonly element: ElementType;
  private readonly block: ArenaBlock;
  private readonly offsetBytes: number;

  constructor(
    scope: TensorScope,
    block: ArenaBlock,
    what: {
      label: string;
      shape: readonly number[];
      dtype: ActivationDtype;
      element: ElementType;
      offsetBytes: number;
    },
  ) {
    this.scope = scope;
    this.block = block;
    this.label = what.label;
    this.shape = what.shape;
    this.dtype = what.dtype;
    this.element = what.element;
    this.offsetBytes = what.offsetBytes;
  }

  get address(): number {
    return this.block.address + this.offsetBytes;
  }

  get length(): number {
    return this.shape.reduce((product, size) => product * size, 1);
  }

  get byteLength(): number {
    return this.length * ELEMENT_BYTES[this.element];
  }

  /** Rows of the leading dimension, and elements in one of them. */
  get rowCount(): number {
    return this.shape[0] ?? 1;
  }

  get rowLength(): number {
    return this.shape.slice(1).reduce((product, size) => product * size, 1);
  }

  get rowBytes(): number {
    return this.rowLength * ELEMENT_BYTES[this.element];
  }

  rows(start: number, end: number): Tensor {
    const { label, dtype, element } = this;
    if (!(start >= 0 && start <= end && end <= this.rowCount)) {
      throw new QwenAsrError(
        'internal',
        `${label}: expected rows within 0..${this.rowCount}, found ${start}..${end}`,
      );
    }
    const shape = [end - start, ...this.shape.slice(1)];
    const offsetBytes = this.offsetBytes + start * this.rowBytes;
    return new CompiledTensor(this.scope, this.block, { label, shape, dtype, element, offsetBytes });
  }

  write(values: Float32Array | Int32Array): void {
    this.scope.checkOpen();
    if (values.length !== this.length) {
      throw new QwenAsrError(
        'internal',
        `${this.label}: expected ${this.length} values, found ${values.length}`,
      );
    }
    const start = this.block.bufferOffset + this.offsetBytes;
    const { buffer } = this.block;
    if (this.element === 'bf16') roundToBf16(values, new Uint16Array(buffer, start, this.length));
    else if (this.element === 'i32') new Int32Array(buffer, start, this.length).set(values);
    else new Float32Array(buffer, start, this.length).set(values);
  }

  read(): Float32Array {
    this.scope.checkOpen();
    const start = this.block.bufferOffset + this.offsetBytes;
    const { buffer } = this.block;
    if (this.element === 'bf16') return widenBf16(new Uint16Array(buffer, start, this.length));
    if (this.element === 'i32') return Float32Array.from(new Int32Array(buffer, start, this.length));
    return new Float32Array(buffer, start, this.length).slice();
  }

  readIntegers(): Int32Array {
    if (this.element !== 'i32') return Int32Array.from(this.read());
    this.scope.checkOpen();
    return new Int32Array(this.block.buffer, this.block.bufferOffset + this.offsetBytes, this.length).slice();
  }
}

/**
 * Feature map stored channels-last with a border of one element on every side: element (c, h, w) of chunk n at
 * ((n·(H+2) + h+1)·(W+2) + w+1)·C + c. The one-channel mel map is f32, the others operand.
 */
export interface CompiledFeatureMap extends FeatureMap, Memory, FeatureMapLayout {
  readonly scope: TensorScope;
}

/** Keys and values of a layer, both [sequences, kvHeads, capacity, headDim] of the operand type. */
export interface CacheLayer {
  readonly keys: Memory;
  readonly values: Memory;
}

export interface CompiledKvCache extends KvCache {
  readonly scope: TensorScope;
  readonly layerMemory: readonly CacheLayer[];
  readonly element: ElementType;
  /** The last position that was asked for; there is memory for more. */
  readonly lastPosition: number;
}

/*
 * The handles that stages pass around, as this backend made them. Mixing backends is a programming error, which the
 * tensor check catches; the other handles only ever reach an operator together with tensors.
 */

export function tensorOf(tensor: Tensor): CompiledTensor {
  if (tensor instanceof CompiledTensor) return tensor;
  throw new QwenAsrError('internal', `${tensor.label}: expected a tensor of the compiled backend`);
}

/** @throws QwenAsrError `internal` for elements that a kernel would take for others */
export function operandOf(tensor: Tensor, element: ElementType): CompiledTensor {
  const operand = tensorOf(tensor);
  if (operand.element === element) return operand;
  throw new QwenAsrError('internal', `${tensor.label}: expected ${element}, found ${operand.element}`);
}

/** @throws QwenAsrError `internal` for a weight that was placed for another use, or by another backend */
export function weightOf(weight: Weight, layout: CompiledWeight['layout']): CompiledWeight {
  const placed = weight as CompiledWeight;
  if (placed.layout === layout) return placed;
  throw new QwenAsrError('internal', `${weight.name}: expected a ${layout}, found ${placed.layout}`);
}

export function mapOf(map: FeatureMap): CompiledFeatureMap {
  return map as CompiledFeatureMap;
}

export function cacheOf(cache: KvCache): CompiledKvCache {
  return cache as CompiledKvCache;
}

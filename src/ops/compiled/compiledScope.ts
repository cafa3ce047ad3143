import { QwenAsrError } from '../../error.js';
import type { Capabilities } from '../../jit/ir.js';
import { chunkBytes } from '../../kernels/audio/featureMap.js';
import { type QuantizedRows, rowsFor } from '../../kernels/matrix/formats/affineBlocks.js';
import type { Arena, ArenaBlock } from '../../runtime/arena.js';
import { checkChunkCount } from '../checkedOperators.js';
import type { ActivationDtype, FeatureMap, KvCache, Scope, Tensor, Weight } from '../operators.js';
import {
  type CacheLayer,
  type CompiledFeatureMap,
  type CompiledKvCache,
  CompiledTensor,
  ELEMENT_BYTES,
  weightOf,
} from './compiledTensor.js';

/** Largest block of a cache; Node.js 20 has no arrays above 4 GiB, and 1200 s of f32 are more. */
const CACHE_BLOCK_BYTES = 2 ** 31;

/** Activations in one arena, released together. */
export class CompiledScope implements Scope {
  readonly label: string;
  private readonly arena: Arena;
  private readonly operand: 'f32' | 'bf16';
  private readonly capabilities: Capabilities;
  /** @throws QwenAsrError `closed` once the memory behind the scope is gone */
  readonly checkOpen: () => void;
  private readonly blocks: ArenaBlock[] = [];
  private released = false;

  constructor(
    label: string,
    arena: Arena,
    { operand, capabilities }: { readonly operand: 'f32' | 'bf16'; readonly capabilities: Capabilities },
    checkOpen: () => void,
  ) {
    this.label = label;
    this.arena = arena;
    this.operand = operand;
    this.capabilities = capabilities;
    this.checkOpen = checkOpen;
  }

  /** Memory that lives as long as the scope; not cleared. */
  allocate(byteLength: number): ArenaBlock {
    this.checkOpen();
    if (this.released) throw new QwenAsrError('internal', `${this.label}: allocation in a released scope`);
    const block = this.arena.allocate(byteLength);
    this.blocks.push(block);
    return block;
  }

  tensor(label: string, shape: readonly number[], dtype: ActivationDtype): Tensor {
    const element = dtype === 'operand' ? this.operand : dtype;
    const length = shape.reduce((product, size) => product * size, 1);
    const block = this.allocate(length * ELEMENT_BYTES[element]);
    return new CompiledTensor(this, block, { label, shape, dtype, element, offsetBytes: 0 });
  }

  featureMap(
    label: string,
    size: { chunks: number; channels: number; height: number; width: number },
    readBy?: Weight,
  ): FeatureMap {
    const dtype = size.channels === 1 ? 'f32' : (this.factorFor(readBy) ?? this.operand);
    const bytesOfChunk = chunkBytes({ ...size, dtype });
    const { address } = this.allocate(size.chunks * bytesOfChunk);
    const make = (chunks: number): CompiledFeatureMap => {
      checkChunkCount(label, chunks, size.chunks);
      const memory = { address, byteLength: chunks * bytesOfChunk };
      return { label, ...size, chunks, scope: this, ...memory, dtype, firstChunks: make };
    };
    return make(size.chunks);
  }

  /** What a weight of integers is multiplied with; null: floating-point numbers. */
  private factorFor(weight: Weight | undefined): QuantizedRows | null {
    if (weight === undefined) return null;
    const { element } = weightOf(weight, 'convolution');
    return typeof element === 'string' ? null : rowsFor(this.capabilities, element);
  }

  kvCache(size: {
    layers: number;
    sequences: number;
    capacity: number;
    kvHeads: number;
    headDim: number;
  }): KvCache {
    const { layers, sequences, kvHeads, headDim } = size;
    const capacity = roundCapacity(size.capacity);
    const element = this.operand;
    const layerBytes = 2 * sequences * capacity * kvHeads * headDim * ELEMENT_BYTES[element];
    const layerMemory = this.layers(layers, layerBytes);
    const lastPosition = size.capacity - 1;
    const place = { scope: this, layerMemory, element, lastPosition };
    const cache: CompiledKvCache = { ...size, capacity, ...place };
    return cache;
  }

  /** As many layers to a block as an array of any version of Node.js can show; keys first, then values. */
  private layers(count: number, layerBytes: number): CacheLayer[] {
    const together = Math.max(1, Math.floor(CACHE_BLOCK_BYTES / layerBytes));
    const byteLength = layerBytes / 2;
    const found: CacheLayer[] = [];
    while (found.length < count) {
      const layers = Math.min(together, count - found.length);
      const { address } = this.allocate(layers * layerBytes);
      for (let layer = 0; layer < layers; layer++) {
        const keys = { address: address + layer * layerBytes, byteLength };
        found.push({ keys, values: { address: keys.address + byteLength, byteLength } });
      }
    }
    return found;
  }

  release(): void {
    if (this.released) return;
    this.released = true;
    for (const block of this.blocks) this.arena.release(block);
    this.blocks.length = 0;
  }
}

/**
 * Kernels are compiled for a capacity, and there shall be few of them: 16 between a power of two and the next, so that
 * at most a sixteenth is not needed. A multiple of 64, which stepAttention's fours divide.
 */
function roundCapacity(capacity: number): number {
  const step = 2 ** Math.floor(Math.log2(Math.max(1024, capacity))) / 16;
  return Math.max(1024, Math.ceil(capacity / step) * step);
}

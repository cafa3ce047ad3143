import { QwenAsrError } from '../../error.js';
import { checkChunkCount } from '../checkedOperators.js';
import type { ActivationDtype, FeatureMap, KvCache, Scope, Tensor } from '../operators.js';
import {
  type Lifetime,
  type ReferenceFeatureMap,
  type ReferenceKvCache,
  ReferenceTensor,
} from './referenceTensor.js';

/** What a scope needs of its backend. */
export interface ScopeOwner {
  /** Throws `closed` once the backend is. */
  check(what: string): void;
  /** Told of every change in bytes held. */
  account(bytes: number): void;
}

/** Activations in ordinary typed arrays; the garbage collector frees them, release() settles the account. */
export class ReferenceScope implements Scope {
  readonly #label: string;
  readonly #owner: ScopeOwner;
  readonly #lifetime: Lifetime;
  #bytes = 0;
  #released = false;

  constructor(label: string, owner: ScopeOwner) {
    this.#label = label;
    this.#owner = owner;
    this.#lifetime = { check: (what) => this.#check(what) };
  }

  tensor(label: string, shape: readonly number[], dtype: ActivationDtype): Tensor {
    const length = shape.reduce((total, size) => total * size, 1);
    const data = dtype === 'i32' ? this.#allocate(label, length, Int32Array) : this.#floats(label, length);
    return new ReferenceTensor(label, shape, dtype, data, this.#lifetime);
  }

  featureMap(
    label: string,
    size: { chunks: number; channels: number; height: number; width: number },
  ): FeatureMap {
    const chunkLength = size.channels * size.height * size.width;
    const data = this.#floats(label, size.chunks * chunkLength);
    const make = (chunks: number): ReferenceFeatureMap => {
      checkChunkCount(label, chunks, size.chunks);
      return { label, ...size, chunks, data: data.subarray(0, chunks * chunkLength), firstChunks: make };
    };
    return make(size.chunks);
  }

  kvCache(size: {
    layers: number;
    sequences: number;
    capacity: number;
    kvHeads: number;
    headDim: number;
  }): KvCache {
    const length = size.sequences * size.capacity * size.kvHeads * size.headDim;
    const perLayer = (what: string) =>
      Array.from({ length: size.layers }, () => this.#floats(`kv cache ${what}`, length));
    const cache: ReferenceKvCache = { ...size, keys: perLayer('keys'), values: perLayer('values') };
    return cache;
  }

  release(): void {
    this.#owner.account(-this.#bytes);
    this.#bytes = 0;
    this.#released = true;
  }

  #floats(label: string, length: number): Float32Array {
    return this.#allocate(label, length, Float32Array);
  }

  #allocate<T>(label: string, length: number, Type: new (length: number) => T): T {
    this.#check(label);
    const bytes = length * 4;
    let data: T;
    try {
      data = new Type(length);
    } catch (cause) {
      throw new QwenAsrError('memory', `${label}: cannot allocate ${bytes} bytes`, { cause });
    }
    this.#bytes += bytes;
    this.#owner.account(bytes);
    return data;
  }

  #check(what: string): void {
    this.#owner.check(what);
    if (this.#released) {
      throw new QwenAsrError('internal', `${what}: its scope "${this.#label}" has been released`);
    }
  }
}

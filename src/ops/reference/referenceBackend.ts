import { QwenAsrError } from '../../error.js';
import { nextTurn } from '../../runtime/nextTurn.js';
import { checkChunkCount, checkedOperators } from '../checkedOperators.js';
import type {
  ActivationDtype,
  Backend,
  FeatureMap,
  KvCache,
  Observer,
  OperatorArgs,
  Operators,
  Pass,
  ProductType,
  Scope,
  Tensor,
  Weight,
} from '../operators.js';
import { checkParameterBytes, type IntegerForm, type Parameter } from '../parameter.js';
import { sameBytes } from '../sameBytes.js';
import { cachedAttention, rotaryToCache, windowAttention } from './attention.js';
import { chunkMel, conv2dGelu, flattenTime } from './convStem.js';
import { logMel } from './logMel.js';
import { argmaxLinear, embed, layerNorm, linear, rmsNorm, swiglu } from './products.js';
import {
  floatsOf,
  type Lifetime,
  type ReferenceFeatureMap,
  type ReferenceKvCache,
  ReferenceTensor,
} from './referenceTensor.js';
import { ReferenceWeight } from './referenceWeight.js';

/**
 * The reference backend: every operator as a plain loop over Float32Array with sums in f64, one thread, no native code.
 * It is the meaning of the operators and the oracle of the other backends, and runs wherever JavaScript does.
 *
 * @example
 * const backend = createReferenceBackend();
 * const scope = backend.createScope('example');
 * const x = scope.tensor('x', [2, 4], 'f32');
 * const y = scope.tensor('y', [2, 4], 'f32');
 * const ones = new Uint8Array(new Float32Array([1, 1, 1, 1]).buffer);
 * const weight = backend.weight({ name: 'norm', shape: [4], dtype: 'f32', bytes: ones });
 * const pass = backend.plan('norm', (ops) => ops.rmsNorm({ x, weight, epsilon: 1e-6, y }));
 * x.write(new Float32Array([3, 3, 3, 3, 0, 0, 0, 5]));
 * await pass.run();
 * console.log(y.read()); // 1 1 1 1 0 0 0 2
 */
export function createReferenceBackend(): Backend {
  return new ReferenceBackend();
}

class ReferenceBackend implements Backend {
  readonly name = 'reference';
  readonly isa = 'scalar';
  readonly precision = 'f32';
  readonly threadCount = 1;
  readonly #queue = new StepQueue();
  #activationBytes = 0;

  manyRows(weight: Weight): ProductType {
    return (weight as ReferenceWeight).groupSize === null ? this.precision : 'int8';
  }

  get activationBytes(): number {
    return this.#activationBytes;
  }

  weight(parameter: Parameter, _layout?: string, form?: IntegerForm): Weight {
    this.#queue.check(parameter.name);
    checkParameterBytes(parameter);
    return new ReferenceWeight(parameter, form);
  }

  async placeWeights(): Promise<void> {}

  async sameBytes(a: Uint8Array, b: Uint8Array): Promise<boolean> {
    return sameBytes(a, b);
  }

  forget(): void {}

  createScope(label: string): Scope {
    this.#queue.check(label);
    return new ReferenceScope(label, {
      check: (what) => this.#queue.check(what),
      account: (bytes) => {
        this.#activationBytes += bytes;
      },
    });
  }

  plan(label: string, build: (ops: Operators) => void, observer?: Observer): Pass {
    this.#queue.check(label);
    const steps: (() => void)[] = [];
    build(checkedOperators(recordInto(steps, observer)));
    return this.#queue.pass(label, steps);
  }

  async measureCeilings(): Promise<null> {
    return null;
  }

  close(): Promise<void> {
    return this.#queue.close();
  }
}

/** Operators that append themselves to `steps` instead of computing. */
function recordInto(steps: (() => void)[], observer: Observer | undefined): Operators {
  const record =
    <Args>(operator: (args: Args) => void) =>
    (args: Args): void => {
      steps.push(() => operator(args));
    };
  return {
    logMel: record(runLogMel),
    chunkMel: record(chunkMel),
    conv2dGelu: record(conv2dGelu),
    flattenTime: record(flattenTime),
    linear: record(linear),
    swiglu: record(swiglu),
    layerNorm: record(layerNorm),
    rmsNorm: record(rmsNorm),
    windowAttention: record(windowAttention),
    rotaryToCache: record(rotaryToCache),
    cachedAttention: record(cachedAttention),
    embed: record(embed),
    argmaxLinear: record(argmaxLinear),
    probe: (stage, x) => {
      if (observer !== undefined) steps.push(() => observer(stage, x.read(), x.shape));
    },
  };
}

/** The operator's form of the function that is also the reference for other front ends. */
function runLogMel({ samples, filters, y }: OperatorArgs<'logMel'>): void {
  floatsOf(y).set(logMel(floatsOf(samples), floatsOf(filters)));
}

/** Longest time the event loop is kept waiting, besides the one operator that is running. */
const YIELD_AFTER_MS = 10;

/** Runs the passes of one backend one at a time, in the order of their calls. */
class StepQueue {
  #tail: Promise<void> = Promise.resolve();
  #closed = false;

  /** Throws `closed` after {@link close}. */
  check(what: string): void {
    if (this.#closed) throw new QwenAsrError('closed', `${what}: the backend has been closed`);
  }

  /** A pass of recorded operators. */
  pass(label: string, steps: readonly (() => void)[]): Pass {
    const run = (signal?: AbortSignal) => this.#enqueue(() => this.#runSteps(label, steps, signal));
    return { label, run, prepare: async () => {} };
  }

  /** Ends the running pass at its next operator and all later ones at once. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#tail;
  }

  #enqueue(task: () => Promise<void>): Promise<void> {
    const done = this.#tail.then(task);
    this.#tail = done.catch(() => {});
    return done;
  }

  async #runSteps(
    label: string,
    steps: readonly (() => void)[],
    signal: AbortSignal | undefined,
  ): Promise<void> {
    let yieldedAt = performance.now();
    for (const step of steps) {
      this.check(label);
      if (signal?.aborted) throw new QwenAsrError('aborted', `${label}: stopped by the caller's signal`);
      step();
      if (performance.now() - yieldedAt > YIELD_AFTER_MS) {
        await nextTurn();
        yieldedAt = performance.now();
      }
    }
    this.check(label);
  }
}

/** What a scope needs of its backend. */
interface ScopeOwner {
  /** Throws `closed` once the backend is. */
  check(what: string): void;
  /** Told of every change in bytes held. */
  account(bytes: number): void;
}

/** Activations in ordinary typed arrays; the garbage collector frees them, release() settles the account. */
class ReferenceScope implements Scope {
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

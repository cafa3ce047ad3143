import { QwenAsrError } from '../error.js';
import type { DecoderConfig } from '../model/config.js';
import type { DecoderWeights } from '../model/weights.js';
import type { Backend, Observer, Scope } from '../ops/operators.js';
import { type Choice, type DecoderContext, decoderBuffers } from './decoderLayers.js';
import { DecodeStep, type PrefillInput, prefill, type StepInput } from './decoderPasses.js';

/** How much a session can hold. */
export interface DecoderSessionOptions {
  /** Sequences decoded side by side. */
  readonly sequences: number;
  /** Positions of each: prompt and generated tokens. */
  readonly capacity: number;
  readonly signal?: AbortSignal | undefined;
  readonly observer?: Observer | undefined;
}

/** The Qwen3 text decoder. */
export class Decoder {
  readonly config: DecoderConfig;
  readonly #backend: Backend;
  readonly #weights: DecoderWeights;

  constructor(backend: Backend, config: DecoderConfig, weights: DecoderWeights) {
    this.#backend = backend;
    this.config = config;
    this.#weights = weights;
  }

  /** An empty KV cache with the passes that fill it; the caller releases it. */
  openSession(options: DecoderSessionOptions): DecoderSession {
    return new DecoderSession(this.#backend, this.config, this.#weights, options);
  }
}

/** One or more token sequences in one KV cache. */
export class DecoderSession {
  readonly #backend: Backend;
  readonly #scope: Scope;
  readonly #context: DecoderContext;
  readonly #options: DecoderSessionOptions;
  /** By number of rows, planned at the first step of that many. */
  readonly #steps = new Map<number, DecodeStep>();

  /** Made by {@link Decoder.openSession}. */
  constructor(
    backend: Backend,
    config: DecoderConfig,
    weights: DecoderWeights,
    options: DecoderSessionOptions,
  ) {
    this.#backend = backend;
    this.#options = options;
    this.#scope = backend.createScope('decoder session');
    try {
      this.#context = { config, weights, ...allocate(this.#scope, config, options) };
    } catch (error) {
      this.#scope.release();
      throw error;
    }
  }

  /**
   * Puts a prompt at the start of a sequence and chooses its first token.
   *
   * @throws QwenAsrError `internal` when the prompt does not fit or an id has no embedding; `aborted`; `closed`
   */
  prefill(input: PrefillInput): Promise<Choice> {
    this.#check('positions', input.prompt.ids.length - 1, this.#options.capacity);
    this.#check('sequences', input.sequence, this.#options.sequences);
    this.#checkIds(input.prompt.ids);
    return prefill(this.#backend, this.#context, input, this.#options);
  }

  /**
   * Takes the memory that the prefill of a prompt needs, and gives it back.
   *
   * @throws QwenAsrError `memory`
   */
  tryRoom(promptLength: number): void {
    const scope = this.#backend.createScope('prefill');
    try {
      decoderBuffers(scope, this.#context.config, promptLength);
    } finally {
      scope.release();
    }
  }

  /** Appends one token to each of the given sequences and chooses the next of each. */
  step(input: StepInput): Promise<Choice[]> {
    for (const position of input.positions) this.#check('positions', position, this.#options.capacity);
    for (const sequence of input.sequences) this.#check('sequences', sequence, this.#options.sequences);
    this.#checkIds(input.ids);
    return this.#stepOf(input.ids.length).run(input, this.#options.signal);
  }

  /** Frees the cache and all buffers. */
  release(): void {
    this.#scope.release();
  }

  #stepOf(rows: number): DecodeStep {
    const planned = this.#steps.get(rows);
    if (planned !== undefined) return planned;
    const step = new DecodeStep(this.#backend, this.#scope, this.#context, rows, this.#options.observer);
    this.#steps.set(rows, step);
    return step;
  }

  #checkIds(ids: Int32Array): void {
    for (const id of ids) this.#check('token ids', id, this.#context.config.vocab);
  }

  #check(what: string, index: number, count: number): void {
    if (index >= 0 && index < count) return;
    throw new QwenAsrError('internal', `decoder: expected ${what} below ${count}, found ${index}`);
  }
}

/** The cache, and the RoPE tables of all its positions. */
function allocate(
  scope: Scope,
  { layers, kvHeads, headDim, ropeTheta }: DecoderConfig,
  { sequences, capacity }: DecoderSessionOptions,
): Pick<DecoderContext, 'cache' | 'cos' | 'sin'> {
  const cache = scope.kvCache({ layers, sequences, capacity, kvHeads, headDim });
  const cos = scope.tensor('rope cos', [capacity, headDim / 2], 'f32');
  const sin = scope.tensor('rope sin', [capacity, headDim / 2], 'f32');
  const tables = ropeTables(capacity, headDim, ropeTheta);
  cos.write(tables.cos);
  sin.write(tables.sin);
  return { cache, cos, sin };
}

/** Cosines and sines of the rotation angles of every position. */
export interface RopeTables {
  /** [positions, headDim/2] f32 */
  readonly cos: Float32Array;
  /** [positions, headDim/2] f32 */
  readonly sin: Float32Array;
}

/**
 * RoPE tables: the angle of pair i at position p is p·θ^(−2i/headDim) (Su et al., arXiv:2104.09864), computed in f64 and
 * rounded once. The checkpoints' interleaved MRoPE reduces to this, because its three position rows are equal for audio.
 *
 * @param positions 0…positions−1
 * @param headDim even
 * @param theta 1e6 in the published models
 */
export function ropeTables(positions: number, headDim: number, theta: number): RopeTables {
  const half = headDim / 2;
  const cos = new Float32Array(positions * half);
  const sin = new Float32Array(positions * half);
  for (let i = 0; i < half; i++) {
    const frequency = theta ** (-i / half);
    for (let position = 0; position < positions; position++) {
      cos[position * half + i] = Math.cos(position * frequency);
      sin[position * half + i] = Math.sin(position * frequency);
    }
  }
  return { cos, sin };
}

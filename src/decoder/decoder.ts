import { QwenAsrError } from '../error.js';
import type { DecoderConfig } from '../model/config.js';
import type { DecoderWeights } from '../model/weights.js';
import type { Backend, Observer, Operators, Pass, Scope, Tensor } from '../ops/operators.js';
import { nextTurn } from '../runtime/nextTurn.js';
import { type ClassifyInput, classifyPrompts } from './classifyPrompts.js';
import {
  type Choice,
  type ChoiceTensors,
  choiceTensors,
  type DecoderContext,
  decoderBuffers,
  readChoices,
  recordDecoderHead,
  recordDecoderLayers,
} from './decoderLayers.js';
import type { Prompt } from './prompt.js';

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

  /**
   * Classifies every position after the audio of several prompts in one pass: a forced aligner's answer.
   *
   * @returns for each prompt a choice a position from the end of its audio on
   * @throws QwenAsrError `memory`; `aborted`; `closed`
   */
  async classify(
    inputs: readonly ClassifyInput[],
    options: { signal?: AbortSignal | undefined; observer?: Observer | undefined },
  ): Promise<Choice[][]> {
    const scope = this.#backend.createScope('prompts to classify');
    try {
      const capacity = Math.max(...inputs.map(({ prompt }) => prompt.ids.length));
      const room = allocate(scope, this.config, { sequences: inputs.length, capacity });
      const context = { config: this.config, weights: this.#weights, ...room };
      return await classifyPrompts(this.#backend, context, inputs, options);
    } finally {
      scope.release();
    }
  }
}

/** One or more token sequences in one KV cache. */
export class DecoderSession {
  readonly #backend: Backend;
  readonly #scope: Scope;
  readonly #context: DecoderContext;
  readonly #options: DecoderSessionOptions;
  /** By number of rows, planned for the first step of that many. */
  readonly #steps = new Map<number, DecodeStep>();
  #released = false;

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
  prefill(input: Omit<PrefillInput, 'from' | 'choiceCount'>): Promise<Choice> {
    return this.resume(input).then((choices) => choices[0]!);
  }

  /**
   * The same for a prompt of which the beginning is in the cache already, with a choice for each of its last positions:
   * that is how tokens that are expected to follow are verified all at once.
   *
   * @throws QwenAsrError as prefill
   */
  resume(input: PrefillInput): Promise<Choice[]> {
    const { length } = input.prompt.ids;
    this.#check('positions', length - 1, this.#options.capacity);
    this.#check('positions to compute', (input.from ?? 0) + Math.max(1, input.choiceCount ?? 1) - 1, length);
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

  /**
   * Plans the step of so many rows while the pass that has been begun runs, so that the first such step need not: this thread has
   * nothing to do meanwhile. What goes wrong, the step itself will say.
   */
  prepareStep(rows: number): void {
    const prepare = async (): Promise<void> => {
      await nextTurn(); // by then the pass has been handed to its threads
      if (!this.#released) await this.#stepOf(rows).prepare();
    };
    prepare().catch(() => {});
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
    this.#released = true;
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

/** One sequence's prompt. */
export interface PrefillInput {
  /** Index of the sequence in the cache. */
  readonly sequence: number;
  readonly prompt: Prompt;
  /** [prompt.audioTokens, hidden] f32: the encoder's output. */
  readonly audio: Float32Array;
  /**
   * The first position to compute: those before it are in the cache already, from a prompt that began with the same ids
   * and audio. Default: 0.
   */
  readonly from?: number | undefined;
  /** How many of the last positions choose the token after them; none: they only enter the cache. Default: 1. */
  readonly choiceCount?: number | undefined;
}

/**
 * Runs a prompt through the decoder in one pass: positions from…n−1 of the sequence enter the cache, and the last rows
 * choose the tokens that follow them. Probes, rows = n − from: `embeddings` [rows, hidden], `dec_layer0`… [rows, hidden]
 * (the last layer: [choices, hidden]), `first_logits` [choices, vocab].
 *
 * @returns one choice for each of the last positions
 */
async function prefill(
  backend: Backend,
  context: DecoderContext,
  { sequence, prompt, audio, from = 0, choiceCount = 1 }: PrefillInput,
  options: { signal?: AbortSignal | undefined; observer?: Observer | undefined },
): Promise<Choice[]> {
  const { config, weights } = context;
  const count = prompt.ids.length - from;
  const firstChoice = count - choiceCount;
  const scope = backend.createScope('prefill');
  try {
    const ids = scope.tensor('prompt ids', [count], 'i32');
    const positions = scope.tensor('prompt positions', [count], 'i32');
    const sequences = scope.tensor('prompt sequences', [count], 'i32');
    const buffers = decoderBuffers(scope, config, count);
    const choices = choiceTensors(scope, Math.max(1, choiceCount));
    const { stream, normed } = buffers;
    const audioStart = Math.max(0, prompt.audioStart - from);
    const audioEnd = Math.max(0, prompt.audioStart + prompt.audioTokens - from);
    const build = (ops: Operators): void => {
      for (const [start, end] of [[0, audioStart] as const, [audioEnd, count] as const]) {
        if (start === end) continue;
        ops.embed({ ids: ids.rows(start, end), table: weights.embedTokens, y: stream.rows(start, end) });
      }
      ops.probe('embeddings', stream);
      const rows = { count, positions, sequences, kind: 'prefill' } as const;
      recordDecoderLayers(ops, context, buffers, rows, { wantedRows: choiceCount, probePrefix: 'dec_layer' });
      if (choiceCount === 0) return;
      const last = { stream: stream.rows(firstChoice, count), normed: normed.rows(firstChoice, count) };
      recordDecoderHead(ops, context, last, choices);
      if (options.observer !== undefined) {
        const logits = scope.tensor('first logits', [choiceCount, config.vocab], 'f32');
        ops.linear({ x: last.normed, weight: weights.lmHead, y: logits });
        ops.probe('first_logits', logits);
      }
    };
    const pass = backend.plan('prefill', build, options.observer);
    ids.write(prompt.ids.subarray(from));
    positions.write(Int32Array.from({ length: count }, (_, row) => from + row));
    sequences.write(new Int32Array(count).fill(sequence));
    if (audioEnd > audioStart) {
      const rest = audio.subarray(audio.length - (audioEnd - audioStart) * config.hidden);
      stream.rows(audioStart, audioEnd).write(rest);
    }
    await pass.run(options.signal);
    return choiceCount === 0 ? [] : readChoices(choices);
  } finally {
    scope.release();
  }
}

/** What each row of a step continues. All [rows] i32. */
interface StepInput {
  /** The token to append. */
  readonly ids: Int32Array;
  /** Its position in its sequence. */
  readonly positions: Int32Array;
  /** Its sequence in the cache; no two rows of the same. */
  readonly sequences: Int32Array;
}

/**
 * A decode step of a fixed number of rows, one a sequence: planned once, then run as often as wanted on the same
 * memory. Probes: `step_embeddings` and `step_layer0`… [rows, hidden], `step_best_logits` [rows].
 */
class DecodeStep {
  readonly #ids: Tensor;
  readonly #positions: Tensor;
  readonly #sequences: Tensor;
  readonly #choices: ChoiceTensors;
  readonly #pass: Pass;

  constructor(
    backend: Backend,
    scope: Scope,
    context: DecoderContext,
    rows: number,
    observer: Observer | undefined,
  ) {
    this.#ids = scope.tensor('step ids', [rows], 'i32');
    this.#positions = scope.tensor('step positions', [rows], 'i32');
    this.#sequences = scope.tensor('step sequences', [rows], 'i32');
    this.#choices = choiceTensors(scope, rows);
    const buffers = decoderBuffers(scope, context.config, rows);
    const sequenceRows = {
      count: rows,
      positions: this.#positions,
      sequences: this.#sequences,
      kind: 'step',
    } as const;
    const build = (ops: Operators): void => {
      ops.embed({ ids: this.#ids, table: context.weights.embedTokens, y: buffers.stream });
      ops.probe('step_embeddings', buffers.stream);
      const options = { wantedRows: rows, probePrefix: 'step_layer' };
      recordDecoderLayers(ops, context, buffers, sequenceRows, options);
      recordDecoderHead(ops, context, buffers, this.#choices);
      ops.probe('step_best_logits', this.#choices.best);
    };
    this.#pass = backend.plan('decode step', build, observer);
  }

  /** Compiles the kernels. */
  prepare(): Promise<void> {
    return this.#pass.prepare();
  }

  /** Appends one token to each row's sequence and chooses the next. */
  async run(input: StepInput, signal?: AbortSignal): Promise<Choice[]> {
    this.#ids.write(input.ids);
    this.#positions.write(input.positions);
    this.#sequences.write(input.sequences);
    await this.#pass.run(signal);
    return readChoices(this.#choices);
  }
}

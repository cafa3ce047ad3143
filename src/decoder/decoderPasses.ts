import type { Backend, Observer, Operators, Pass, Scope, Tensor } from '../ops/operators.js';
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

/** One sequence's prompt. */
export interface PrefillInput {
  /** Index of the sequence in the cache. */
  readonly sequence: number;
  readonly prompt: Prompt;
  /** [prompt.audioTokens, hidden] f32: the encoder's output. */
  readonly audio: Float32Array;
}

/**
 * Runs the whole prompt through the decoder in one pass: positions 0…n−1 of the sequence enter the cache, and the last
 * row chooses the first token. Probes: `embeddings` [n, hidden], `dec_layer0`… [n, hidden] (the last layer: [1,
 * hidden]), `first_logits` [1, vocab].
 */
export async function prefill(
  backend: Backend,
  context: DecoderContext,
  { sequence, prompt, audio }: PrefillInput,
  options: { signal?: AbortSignal | undefined; observer?: Observer | undefined },
): Promise<Choice> {
  const { config, weights } = context;
  const count = prompt.ids.length;
  const scope = backend.createScope('prefill');
  try {
    const ids = scope.tensor('prompt ids', [count], 'i32');
    const positions = scope.tensor('prompt positions', [count], 'i32');
    const sequences = scope.tensor('prompt sequences', [count], 'i32');
    const buffers = decoderBuffers(scope, config, count);
    const choices = choiceTensors(scope, 1);
    const { stream, normed } = buffers;
    const audioEnd = prompt.audioStart + prompt.audioTokens;
    const build = (ops: Operators): void => {
      for (const [start, end] of [[0, prompt.audioStart] as const, [audioEnd, count] as const]) {
        ops.embed({ ids: ids.rows(start, end), table: weights.embedTokens, y: stream.rows(start, end) });
      }
      ops.probe('embeddings', stream);
      const rows = { count, positions, sequences, kind: 'prefill' } as const;
      recordDecoderLayers(ops, context, buffers, rows, { lastRowOnly: true, probePrefix: 'dec_layer' });
      const last = { stream: stream.rows(count - 1, count), normed: normed.rows(count - 1, count) };
      recordDecoderHead(ops, context, last, choices);
      if (options.observer !== undefined) {
        const logits = scope.tensor('first logits', [1, config.vocab], 'f32');
        ops.linear({ x: last.normed, weight: weights.lmHead, y: logits });
        ops.probe('first_logits', logits);
      }
    };
    const pass = backend.plan('prefill', build, options.observer);
    ids.write(prompt.ids);
    positions.write(Int32Array.from({ length: count }, (_, position) => position));
    sequences.write(new Int32Array(count).fill(sequence));
    stream.rows(prompt.audioStart, audioEnd).write(audio);
    await pass.run(options.signal);
    return readChoices(choices)[0]!;
  } finally {
    scope.release();
  }
}

/** What each row of a step continues. All [rows] i32. */
export interface StepInput {
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
export class DecodeStep {
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
      const options = { lastRowOnly: false, probePrefix: 'step_layer' };
      recordDecoderLayers(ops, context, buffers, sequenceRows, options);
      recordDecoderHead(ops, context, buffers, this.#choices);
      ops.probe('step_best_logits', this.#choices.best);
    };
    this.#pass = backend.plan('decode step', build, observer);
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

import type { Backend, Observer, Operators, Pass, Scope, Tensor } from '../ops/operators.js';
import {
  type Choice,
  type ChoiceTensors,
  choiceTensors,
  readChoices,
  recordDecoderHead,
} from './decoderHead.js';
import { type DecoderContext, decoderBuffers, recordDecoderLayers } from './decoderLayers.js';

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

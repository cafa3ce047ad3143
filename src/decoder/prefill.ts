import type { Backend, Observer, Operators } from '../ops/operators.js';
import { type Choice, choiceTensors, readChoices, recordDecoderHead } from './decoderHead.js';
import { type DecoderContext, decoderBuffers, recordDecoderLayers } from './decoderLayers.js';
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

import type { Backend, Observer, Operators } from '../ops/operators.js';
import {
  type Choice,
  choiceTensors,
  type DecoderContext,
  decoderBuffers,
  readChoices,
  recordDecoderHead,
  recordDecoderLayers,
} from './decoderLayers.js';
import type { Prompt } from './prompt.js';

/** The ids that the input of an aligner is made of. */
export interface AlignTokenIds {
  readonly audioStart: number;
  readonly audioEnd: number;
  readonly audioPad: number;
  /** Stands where a time is asked for. */
  readonly timestamp: number;
}

/**
 * The input of a forced aligner, without spaces between the words and without a chat template:
 *
 *   <|audio_start|><|audio_pad|>×N<|audio_end|> {word}<timestamp><timestamp> {word}<timestamp><timestamp> …
 *
 * @param wordIds the tokens of each word
 */
export function buildAlignPrompt(
  { audioStart, audioEnd, audioPad, timestamp }: AlignTokenIds,
  audioTokens: number,
  wordIds: readonly (readonly number[])[],
): Prompt {
  const text = wordIds.flatMap((ids) => [...ids, timestamp, timestamp]);
  const ids = new Int32Array(1 + audioTokens + 1 + text.length);
  ids[0] = audioStart;
  ids.fill(audioPad, 1, 1 + audioTokens);
  ids[1 + audioTokens] = audioEnd;
  ids.set(text, 2 + audioTokens);
  return { ids, audioStart: 1, audioTokens };
}

/** A prompt whose every position after the audio is classified. */
export interface ClassifyInput {
  readonly prompt: Prompt;
  /** [prompt.audioTokens, hidden] f32: the encoder's output. */
  readonly audio: Float32Array;
}

/** The rows of one prompt in a pass over several. */
interface PromptRows {
  readonly start: number;
  readonly audioStart: number;
  readonly audioEnd: number;
  readonly end: number;
}

/**
 * One causal pass over several prompts, which share its products but never see one another. Probes: `embeddings` and
 * `dec_layer0`… [rows, hidden], prompt after prompt.
 *
 * @param context with a sequence for each prompt
 * @returns for each prompt a choice a position from the end of its audio on
 */
export async function classifyPrompts(
  backend: Backend,
  context: DecoderContext,
  inputs: readonly ClassifyInput[],
  options: { signal?: AbortSignal | undefined; observer?: Observer | undefined },
): Promise<Choice[][]> {
  const { config, weights } = context;
  const prompts = placePrompts(inputs);
  const count = prompts.at(-1)?.end ?? 0;
  const scope = backend.createScope('classification');
  try {
    const ids = scope.tensor('prompt ids', [count], 'i32');
    const positions = scope.tensor('prompt positions', [count], 'i32');
    const sequences = scope.tensor('prompt sequences', [count], 'i32');
    const buffers = decoderBuffers(scope, config, count);
    const { stream, normed } = buffers;
    const choices = prompts.map(({ audioEnd, end }) => choiceTensors(scope, end - audioEnd));
    const build = (ops: Operators): void => {
      for (const { start, audioStart, audioEnd, end } of prompts) {
        for (const [from, to] of [[start, audioStart] as const, [audioEnd, end] as const]) {
          ops.embed({ ids: ids.rows(from, to), table: weights.embedTokens, y: stream.rows(from, to) });
        }
      }
      ops.probe('embeddings', stream);
      const rows = prompts.map(({ start, end }) => ({
        count: end - start,
        positions: positions.rows(start, end),
        sequences: sequences.rows(start, end),
        kind: 'prefill' as const,
      }));
      recordDecoderLayers(ops, context, buffers, rows, { wantedRows: count, probePrefix: 'dec_layer' });
      for (const [i, { audioEnd, end }] of prompts.entries()) {
        const text = { stream: stream.rows(audioEnd, end), normed: normed.rows(audioEnd, end) };
        recordDecoderHead(ops, context, text, choices[i]!);
      }
    };
    const pass = backend.plan('classification', build, options.observer);
    for (const [sequence, { start, audioStart, audioEnd, end }] of prompts.entries()) {
      const { prompt, audio } = inputs[sequence]!;
      ids.rows(start, end).write(prompt.ids);
      positions.rows(start, end).write(prompt.ids.map((_, position) => position));
      sequences.rows(start, end).write(prompt.ids.map(() => sequence));
      stream.rows(audioStart, audioEnd).write(audio);
    }
    await pass.run(options.signal);
    return choices.map(readChoices);
  } finally {
    scope.release();
  }
}

function placePrompts(inputs: readonly ClassifyInput[]): PromptRows[] {
  let start = 0;
  return inputs.map(({ prompt: { ids, audioStart, audioTokens } }) => {
    const first = start;
    start += ids.length;
    const [from, to] = [first + audioStart, first + audioStart + audioTokens];
    return { start: first, audioStart: from, audioEnd: to, end: start };
  });
}

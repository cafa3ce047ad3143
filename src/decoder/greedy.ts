import type { DecoderSession } from './decoder.js';
import type { Choice } from './decoderHead.js';
import type { Prompt } from './prompt.js';

/** When greedy decoding ends. */
export interface GreedyOptions {
  readonly stopIds: ReadonlySet<number>;
  /** Tokens to generate at most, the end token included; at least 1. */
  readonly budget: number;
  /** Generate the whole budget: end tokens do not stop it. */
  readonly exact: boolean;
}

/** One generated token. */
export interface GreedyToken extends Choice {
  readonly isStop: boolean;
  /** No token follows. */
  readonly isLast: boolean;
  /** Wall time of the pass that chose it: prefill for the first token, one decode step for every other. */
  readonly passMs: number;
}

/** Greedy decoding of one sequence: the first token comes from prefill, every further one from a decode step. */
export async function* decodeGreedily(
  session: DecoderSession,
  input: { prompt: Prompt; audio: Float32Array },
  options: GreedyOptions,
): AsyncGenerator<GreedyToken, void, undefined> {
  const ids = new Int32Array(1);
  const positions = Int32Array.of(input.prompt.ids.length - 1);
  const sequences = Int32Array.of(0);
  let startMs = performance.now();
  let choice = await session.prefill({ sequence: 0, ...input });
  for (let count = 1; ; count++) {
    const passMs = performance.now() - startMs;
    const isStop = options.stopIds.has(choice.id);
    const isLast = count === options.budget || (isStop && !options.exact);
    yield { ...choice, isStop, isLast, passMs };
    if (isLast) return;
    startMs = performance.now();
    ids[0] = choice.id;
    positions[0]!++;
    choice = (await session.step({ ids, positions, sequences }))[0]!;
  }
}

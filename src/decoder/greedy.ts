import type { DecoderSession } from './decoder.js';
import { GreedyBatch, type GreedyInput, type GreedyOptions, type GreedyToken } from './greedyBatch.js';

/** Greedy decoding of one sequence, alone in its session. */
export async function* decodeGreedily(
  session: DecoderSession,
  input: GreedyInput,
  options: GreedyOptions,
): AsyncGenerator<GreedyToken, void, undefined> {
  const batch = new GreedyBatch(session, 1);
  yield (await batch.enter(input, options)).token;
  while (batch.activeCount > 0) for (const { token } of await batch.step()) yield token;
}

import type { ParticipantThread } from './wasmMachine.js';

/** The threads that started, and why there are not more. */
export interface StartedParticipants {
  readonly threads: readonly ParticipantThread[];
  /** One line; null when all of them started. */
  readonly refusal: string | null;
}

/**
 * Starts participants' threads and waits until each has answered. A system may allow fewer threads than were asked for,
 * a page none at all; passes then run on those that there are.
 *
 * @example
 * const { threads, refusal } = await startParticipants(2, spawnNodeParticipant);
 */
export async function startParticipants(
  count: number,
  spawn: () => ParticipantThread,
): Promise<StartedParticipants> {
  const starting: Promise<ParticipantThread | string>[] = [];
  let refusal: string | null = null;
  while (starting.length < count && refusal === null) {
    try {
      starting.push(answering(spawn()));
    } catch (error) {
      refusal = `the system refuses more (${error instanceof Error ? error.message : String(error)})`;
    }
  }
  const outcomes = await Promise.all(starting);
  const failure = outcomes.find((outcome) => typeof outcome === 'string');
  if (failure !== undefined) refusal ??= `a worker did not start (${failure})`;
  return { threads: outcomes.filter((outcome) => typeof outcome !== 'string'), refusal };
}

/** @returns the thread once it has answered, or why it does not */
async function answering(thread: ParticipantThread): Promise<ParticipantThread | string> {
  const failure = await new Promise<string | null>((resolve) => {
    thread.onFailure(resolve);
    thread.onReply(() => resolve(null));
    thread.post({ kind: 'hello' });
  });
  if (failure === null) return thread;
  await thread.terminate();
  return failure;
}

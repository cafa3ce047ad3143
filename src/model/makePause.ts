import { QwenAsrError } from '../error.js';

/** Longest time without a visit to the event loop: short enough for a progress line or Ctrl-C. */
const MAX_BUSY_MS = 20;

/**
 * For long loops: the returned function, awaited once a step, lets other work of the event loop in when it has waited
 * long enough, and notices an abort.
 *
 * @param abortMessage Message of the QwenAsrError `aborted` that the function throws once the signal fired.
 *
 * @example
 * const pause = makePause('counting was aborted', signal);
 * for (let i = 0; i < 1e6; i++) if (i % 1000 === 0) await pause();
 */
export function makePause(abortMessage: string, signal?: AbortSignal): () => Promise<void> {
  let busySince = performance.now();
  return async () => {
    if (signal?.aborted) throw new QwenAsrError('aborted', abortMessage);
    if (performance.now() - busySince < MAX_BUSY_MS) return;
    await new Promise((resolve) => setTimeout(resolve, 0));
    busySince = performance.now();
  };
}

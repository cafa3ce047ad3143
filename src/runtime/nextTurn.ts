import { QwenAsrError } from '../error.js';

/** The part of a browser's MessagePort that is used; Node's has another interface. */
interface BrowserPort {
  onmessage: (() => void) | null;
  postMessage(message: null): void;
  close(): void;
}
declare const MessageChannel: new () => { readonly port1: BrowserPort; readonly port2: BrowserPort };

/**
 * Lets timers, signals and input run once. Browsers have no setImmediate, and make a timer that was set by a timer wait
 * for 4 ms, a tenth of a decode step of the published models: a message to oneself comes at once.
 */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') {
      setImmediate(resolve);
      return;
    }
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

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
    // A timer, so that all timers that are due have run; nextTurn may come before them.
    await new Promise((resolve) => setTimeout(resolve, 0));
    busySince = performance.now();
  };
}

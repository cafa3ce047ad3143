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

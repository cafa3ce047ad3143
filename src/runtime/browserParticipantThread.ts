import type { ParticipantThread } from './wasmMachine.js';
import type { ParticipantMessage, ParticipantReply } from './wasmParticipant.js';

/** The part of a browser's Worker that is used; the types would otherwise come with all of the DOM's. */
interface BrowserWorker {
  onmessage: ((event: { readonly data: ParticipantReply }) => void) | null;
  onerror: ((event: { readonly message?: string }) => void) | null;
  postMessage(message: ParticipantMessage): void;
  terminate(): void;
}
declare const Worker: new (url: URL, options: { type: 'module'; name: string }) => BrowserWorker;

/** A participant on a worker of a browser. */
export function spawnBrowserParticipant(): ParticipantThread {
  // Spelled out like this, bundlers find the file.
  const worker = new Worker(new URL('./browserParticipantWorker.js', import.meta.url), {
    type: 'module',
    name: 'qwen-asr participant',
  });
  return {
    post: (message) => worker.postMessage(message),
    onReply: (listener) => {
      worker.onmessage = ({ data }) => listener(data);
    },
    onFailure: (listener) => {
      worker.onerror = ({ message }) => listener(message ?? 'its program could not be loaded');
    },
    hold: () => {}, // a page lives as long as it is open
    terminate: async () => worker.terminate(),
  };
}

import {
  type ParticipantMessage,
  type ParticipantReply,
  type ParticipantThread,
  participantSource,
} from './wasmParticipant.js';

/** The part of a browser's Worker that is used; the types would otherwise come with all of the DOM's. */
interface BrowserWorker {
  onmessage: ((event: { readonly data: ParticipantReply }) => void) | null;
  onerror: ((event: { readonly message?: string; preventDefault(): void }) => void) | null;
  postMessage(message: ParticipantMessage): void;
  terminate(): void;
}
declare const Worker: new (address: string, options: { name: string }) => BrowserWorker;

/** What a browser's worker runs to take part in passes. */
const program = () => `
const participant = ${participantSource()};
onmessage = ({ data }) => {
  const reply = participant.receive(data);
  if (reply !== null) postMessage(reply);
};`;

/** A participant on a worker of a browser. */
export function spawnBrowserParticipant(): ParticipantThread {
  const address = URL.createObjectURL(new Blob([program()], { type: 'text/javascript' }));
  const worker = new Worker(address, { name: 'qwen-asr participant' });
  return {
    post: (message) => worker.postMessage(message),
    onReply: (listener) => {
      worker.onmessage = ({ data }) => {
        URL.revokeObjectURL(address); // it has been fetched
        listener(data);
      };
    },
    onFailure: (listener) => {
      worker.onerror = (event) => {
        event.preventDefault(); // told to the listener, and not to the console too
        // Without a message it did not start, and a page that allows only some workers is the usual reason.
        listener(event.message ?? 'the page does not allow workers from blob: addresses');
      };
    },
    hold: () => {}, // a page lives as long as it is open
    terminate: async () => worker.terminate(),
  };
}

/** Above this many logical processors a computer most likely has two a core. */
const MOST_SINGLE_THREADED = 4;

/**
 * Participants that a pass should have in a browser, which tells logical processors and nothing about cores: all of up to
 * 4, above that half of them (hyper-threads of one core share the units that matrix products need).
 */
export function browserThreadCount(): number {
  const logical = logicalProcessors();
  return logical <= MOST_SINGLE_THREADED ? logical : Math.max(MOST_SINGLE_THREADED, Math.floor(logical / 2));
}

/** Most participants in a browser, as `mostWasmThreads` in Node. */
export function mostBrowserThreads(): number {
  return Math.max(4, 2 * logicalProcessors());
}

function logicalProcessors(): number {
  const { navigator } = globalThis as { navigator?: { readonly hardwareConcurrency?: number } };
  return navigator?.hardwareConcurrency ?? 1;
}

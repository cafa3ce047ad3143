import { instantiateKernels } from '../jit/wasm/compile.js';
import type { WasmMemory, WasmModule, WasmTable, WasmTarget } from '../jit/wasm/webAssembly.js';

/** What the machine tells its participants, in this order: `hello`, once `open`, then modules and calls. */
export type ParticipantMessage =
  | { readonly kind: 'hello' }
  | {
      readonly kind: 'open';
      readonly memory: WasmMemory;
      readonly target: WasmTarget;
    }
  | { readonly kind: 'install'; readonly module: WasmModule; readonly firstPointer: number }
  | {
      readonly kind: 'call';
      readonly pointer: number;
      readonly args: readonly number[];
      readonly reply: boolean;
    };

/** The answer to a greeting, to an installation, and to a call that wants one or failed. */
export interface ParticipantReply {
  readonly kind: 'ready' | 'installed' | 'called';
  /** Null, or why it failed. */
  readonly error: string | null;
}

/** A thread that runs a participant, however the runtime makes one. */
export interface ParticipantThread {
  post(message: ParticipantMessage): void;
  onReply(listener: (reply: ParticipantReply) => void): void;
  /** Told when the thread ends by itself. */
  onFailure(listener: (reason: string) => void): void;
  /** Whether it keeps the process alive. */
  hold(alive: boolean): void;
  terminate(): Promise<void>;
}

/** One thread's instances of all kernels over the shared memory. */
export interface WasmParticipant {
  /** @returns a reply, when the message wants one. */
  receive(message: ParticipantMessage): ParticipantReply | null;
}

/** A participant on the calling thread. */
export function createParticipant(table: WasmTable): WasmParticipant {
  return participate(table, instantiateKernels);
}

/**
 * The source text of an expression that is a participant, for the program of a worker. As text it comes along wherever
 * the library goes: a bundle is one file, and nobody would put a worker's file beside it.
 */
export function participantSource(): string {
  return `(${participate})(new WebAssembly.Table({ element: 'anyfunc', initial: 1 }), ${instantiateKernels})`;
}

/** Written like instantiateKernels, to be run from its source text. */
function participate(table: WasmTable, instantiate: typeof instantiateKernels): WasmParticipant {
  const kernels = new Map<number, (...args: number[]) => void>();
  let memory: WasmMemory | null = null;
  let target: WasmTarget | null = null;
  return {
    receive(message) {
      switch (message.kind) {
        case 'hello':
          return { kind: 'ready', error: null };
        case 'open':
          memory = message.memory;
          target = message.target;
          return null;
        case 'install':
          for (const { pointer, run } of instantiate(message.module, target!, {
            memory: memory!,
            table,
            firstPointer: message.firstPointer,
          })) {
            kernels.set(pointer, run);
          }
          return { kind: 'installed', error: null };
        case 'call':
          try {
            kernels.get(message.pointer)!(...message.args);
            return message.reply ? { kind: 'called', error: null } : null;
          } catch (error) {
            return { kind: 'called', error: error instanceof Error ? error.message : String(error) };
          }
      }
    },
  };
}

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

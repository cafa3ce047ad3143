import { createKernelTable, instantiateKernels } from '../jit/wasm/compile.js';
import type { WasmTarget } from '../jit/wasm/wasmTarget.js';
import type { WasmMemory, WasmModule, WasmTable } from '../jit/wasm/webAssembly.js';

/** What the machine tells its participants, in this order: once `open`, then modules and calls. */
export type ParticipantMessage =
  | { readonly kind: 'open'; readonly memory: WasmMemory; readonly target: WasmTarget }
  | { readonly kind: 'install'; readonly module: WasmModule; readonly firstPointer: number }
  | {
      readonly kind: 'call';
      readonly pointer: number;
      readonly args: readonly number[];
      readonly reply: boolean;
    };

/** The answer to an installation, and to a call that wants one or failed. */
export interface ParticipantReply {
  readonly kind: 'installed' | 'called';
  /** Null, or why it failed. */
  readonly error: string | null;
}

/** One thread's instances of all kernels over the shared memory. */
export class WasmParticipant {
  private readonly table: WasmTable = createKernelTable();
  private readonly kernels = new Map<number, (...args: number[]) => void>();
  private memory: WasmMemory | null = null;
  private target: WasmTarget | null = null;

  /** @returns a reply, when the message wants one. */
  receive(message: ParticipantMessage): ParticipantReply | null {
    switch (message.kind) {
      case 'open':
        this.memory = message.memory;
        this.target = message.target;
        return null;
      case 'install':
        this.install(message.module, message.firstPointer);
        return { kind: 'installed', error: null };
      case 'call':
        return this.call(message.pointer, message.args, message.reply);
    }
  }

  private install(module: WasmModule, firstPointer: number): void {
    const environment = { memory: this.memory!, table: this.table, firstPointer };
    for (const kernel of instantiateKernels(module, this.target!, environment)) {
      this.kernels.set(kernel.pointer, kernel.run);
    }
  }

  private call(pointer: number, args: readonly number[], wantsReply: boolean): ParticipantReply | null {
    try {
      this.kernels.get(pointer)!(...args);
      return wantsReply ? { kind: 'called', error: null } : null;
    } catch (error) {
      return { kind: 'called', error: error instanceof Error ? error.message : String(error) };
    }
  }
}

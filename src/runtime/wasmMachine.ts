import { QwenAsrError } from '../error.js';
import type { KernelCode, Tuning } from '../jit/ir.js';
import { compileKernels, createKernelTable } from '../jit/wasm/compile.js';
import {
  createWasmMemory,
  fusesByteDots,
  growWasmMemory,
  type WasmMemory,
  type WasmTarget,
  wasmCapabilities,
  wasmFeatures,
} from '../jit/wasm/webAssembly.js';
import type { Machine, Placed, Region, WorkerKernels } from './machine.js';
import { nextTurn } from './nextTurn.js';
import {
  createParticipant,
  type ParticipantMessage,
  type ParticipantThread,
  type StartedParticipants,
  type WasmParticipant,
} from './wasmParticipant.js';

export interface WasmMachineOptions {
  /** The participants' threads; none: everything runs on the calling thread. */
  readonly started: StartedParticipants;
  /** Bytes of weights that will be read into the memory. */
  readonly weightBytes: number;
  /** Replaces what measured best, as micro-benchmarks do. */
  readonly tuning?: Partial<Tuning>;
}

const GIB = 2 ** 30;

/** Room for activations, KV cache and tapes beside the weights: long segments need more, where the memory can grow. */
const WORKING_BYTES = 1.5 * GIB;

/** A 32-bit memory ends one page early, so that no address wraps to 0. */
const MAX_BYTES_32 = 4 * GIB - 65536;

/** Where engines end with 64-bit addresses. */
const MAX_BYTES_64 = 16 * GIB;

const ALIGNMENT = 64;

/** Unused memory between regions. */
interface Hole {
  readonly start: number;
  readonly end: number;
}

/** Runs kernels as WebAssembly: on workers over one shared memory, or on the calling thread where there is none. */
export class WasmMachine implements Machine {
  readonly name = 'wasm';
  readonly isa: string;
  readonly threadCount: number;
  readonly refusal: string | null;
  readonly capabilities;
  readonly datapathBits = null;
  private readonly memory: WasmMemory;
  /** All that the memory's buffer has been: each is another object over the same bytes. */
  private readonly buffers = new Set<ArrayBufferLike>();
  private readonly target: WasmTarget;
  private readonly threads: ParticipantThread[];
  private readonly local: WasmParticipant | null = null;
  private workers: { join: number; selves: readonly number[] } = { join: 0, selves: [] };
  /** End of the memory in use; address 0 stays free. */
  private end = ALIGNMENT;
  /** What was given back below the end, by address; no two of them touch. */
  private holes: Hole[] = [];
  private nextPointer = 1;
  private settle: ((error: string | null) => void) | null = null;
  /** Installations that threads have not answered yet. */
  private unanswered = 0;
  private waiting: { readonly promise: Promise<void>; readonly resolve: () => void } | null = null;
  private failure: string | null = null;

  /** @throws QwenAsrError `unsupported` without SIMD, or where the weights need addresses that the runtime lacks; `memory` */
  constructor(options: WasmMachineOptions) {
    const { relaxedSimd, simd, memory64 } = wasmFeatures();
    if (!simd) throw new QwenAsrError('unsupported', 'WebAssembly: this runtime has no 128-bit vectors');
    const { threads, refusal } = options.started;
    this.capabilities = wasmCapabilities(relaxedSimd, options.tuning);
    const sharedMemory = threads.length > 0;
    const byteLength = options.weightBytes + WORKING_BYTES;
    const wide = byteLength > MAX_BYTES_32;
    if (wide && !memory64) {
      const needed = (byteLength / GIB).toFixed(1);
      throw new QwenAsrError(
        'unsupported',
        `WebAssembly: the model needs ${needed} GiB, expected memory64 (Node.js 22, Chrome 133), found a runtime that ends at 4 GiB`,
      );
    }
    const fusesByteDot = relaxedSimd && fusesByteDots();
    this.target = { relaxedSimd, fusesByteDot, memory64: wide, sharedMemory };
    // An unshared memory cannot grow under arrays that show it.
    const mostBytes = sharedMemory ? (wide ? MAX_BYTES_64 : MAX_BYTES_32) : byteLength;
    this.memory = createWasmMemory(byteLength, this.target, mostBytes);
    this.buffers.add(this.memory.buffer);
    this.isa = relaxedSimd ? 'relaxed-simd' : 'simd128';
    this.threads = [...threads];
    this.refusal = refusal;
    this.threadCount = Math.max(1, threads.length);
    if (sharedMemory) this.listen();
    else this.local = createParticipant(createKernelTable());
    this.tell({ kind: 'open', memory: this.memory, target: this.target });
  }

  /** Memory of the machine that a file can be read into, to be used in place. */
  reserve(byteLength: number): Region {
    const size = Math.ceil(byteLength / ALIGNMENT) * ALIGNMENT;
    const index = this.holes.findIndex((hole) => hole.end - hole.start >= size);
    if (index >= 0) {
      const { start, end } = this.holes[index]!;
      this.holes.splice(index, 1, ...(end - start > size ? [{ start: start + size, end }] : []));
      return { address: start, byteLength, bufferOffset: start, buffer: this.memory.buffer };
    }
    const address = this.end;
    const end = address + size;
    const missing = end - this.memory.buffer.byteLength;
    if (missing > 0 && this.target.sharedMemory && growWasmMemory(this.memory, missing)) {
      this.buffers.add(this.memory.buffer);
    }
    const { buffer } = this.memory;
    if (end > buffer.byteLength) {
      const used = `${Math.round(address / 2 ** 20)} of ${Math.round(buffer.byteLength / 2 ** 20)} MiB are used`;
      throw new QwenAsrError('memory', `WebAssembly memory: cannot reserve ${byteLength} bytes, ${used}`);
    }
    this.end = end;
    return { address, byteLength, bufferOffset: address, buffer };
  }

  /** Each region is released once; all of them go with the machine. */
  release({ address, byteLength }: Region): void {
    let released = { start: address, end: address + Math.ceil(byteLength / ALIGNMENT) * ALIGNMENT };
    const apart: Hole[] = [];
    for (const hole of this.holes) {
      if (hole.end === released.start) released = { start: hole.start, end: released.end };
      else if (hole.start === released.end) released = { start: released.start, end: hole.end };
      else apart.push(hole);
    }
    if (released.end === this.end) this.end = released.start;
    else apart.push(released);
    this.holes = apart.sort((a, b) => a.start - b.start);
  }

  discard(): void {}

  place(bytes: Uint8Array): Placed {
    if (this.buffers.has(bytes.buffer)) return { address: bytes.byteOffset, copiedBytes: 0 };
    const region = this.reserve(bytes.byteLength);
    new Uint8Array(region.buffer, region.bufferOffset, bytes.byteLength).set(bytes);
    return { address: region.address, copiedBytes: bytes.byteLength };
  }

  install(kernels: readonly KernelCode[]): number[] {
    const firstPointer = this.nextPointer;
    this.nextPointer += kernels.length;
    const module = compileKernels(kernels, this.target);
    this.tell({ kind: 'install', module, firstPointer });
    this.expectAnswers();
    return kernels.map((_, i) => firstPointer + i);
  }

  async enter(kernel: number, ...args: number[]): Promise<void> {
    const error = await this.callFirst({ kind: 'call', pointer: kernel, args, reply: true });
    if (error !== null) throw new QwenAsrError('internal', `a kernel failed: ${error}`);
  }

  /**
   * A thread that was woken late for one pass joins the next one that is open: it must know that one's kernels by then.
   */
  get installing(): Promise<void> | null {
    return this.waiting?.promise ?? null;
  }

  /** The other participants join the pass that is about to start; who comes late finds it closed. */
  wake(): void {
    this.workers.selves.forEach((self, i) => {
      this.threads[i + 1]!.post({ kind: 'call', pointer: this.workers.join, args: [self], reply: false });
    });
  }

  startWorkers({ join }: WorkerKernels, selves: readonly number[]): void {
    this.workers = { join, selves };
  }

  async close(): Promise<void> {
    this.endWaiting();
    await Promise.all(this.threads.splice(0).map((thread) => thread.terminate()));
  }

  private listen(): void {
    for (const [participant, thread] of this.threads.entries()) {
      thread.hold(false);
      thread.onFailure((reason) => this.fail(reason));
      thread.onReply((reply) => {
        if (reply.kind === 'installed') this.takeAnswer();
        else if (participant === 0 || reply.error !== null) this.settle?.(reply.error);
      });
    }
  }

  private fail(reason: string): void {
    this.failure ??= `a worker ended: ${reason}`; // the first reason explains most
    this.settle?.(this.failure);
    this.endWaiting();
  }

  /** Every thread answers an installation; meanwhile they keep the process alive. */
  private expectAnswers(): void {
    if (this.threads.length === 0 || this.failure !== null) return;
    this.unanswered += this.threads.length;
    if (this.waiting !== null) return;
    let resolve = () => {};
    const promise = new Promise<void>((done) => {
      resolve = done;
    });
    this.waiting = { promise, resolve };
    for (const thread of this.threads) thread.hold(true);
  }

  private takeAnswer(): void {
    this.unanswered--;
    if (this.unanswered === 0) this.endWaiting();
  }

  private endWaiting(): void {
    for (const thread of this.threads) thread.hold(false);
    this.waiting?.resolve();
    this.waiting = null;
  }

  private tell(message: ParticipantMessage): void {
    this.local?.receive(message);
    for (const thread of this.threads) thread.post(message);
  }

  /** @returns null, or why the call failed. */
  private callFirst(message: ParticipantMessage): Promise<string | null> {
    const [first] = this.threads;
    const { local } = this;
    // A pass will occupy the thread: timers and events first.
    if (local !== null) return nextTurn().then(() => local.receive(message)?.error ?? null);
    if (first === undefined || this.failure !== null) {
      return Promise.resolve(this.failure ?? 'the machine is closed');
    }
    first.hold(true);
    return new Promise<string | null>((resolve) => {
      this.settle = resolve;
      first.post(message);
    }).finally(() => {
      this.settle = null;
      first.hold(false);
    });
  }
}

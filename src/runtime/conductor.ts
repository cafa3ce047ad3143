import { QwenAsrError } from '../error.js';
import type { Machine, Region } from './machine.js';
import {
  CONTROL,
  ENTRY,
  joinKernel,
  leaveKernel,
  passKernel,
  SELF,
  walkerKernel,
  workerKernel,
} from './walker.js';

/** One step of a tape: `kernel` for each of `tiles` tiles. */
export interface TapeEntry {
  /** What Machine.install named it by. */
  readonly kernel: number;
  /** Address of the argument structure. */
  readonly args: number;
  readonly tiles: number;
  /** Whether it must wait for all entries before it; false: only for those its predecessor waited for. */
  readonly barrier: boolean;
}

/** A tape in kernel memory. */
export interface Tape {
  readonly region: Region;
  readonly entryCount: number;
}

/**
 * Runs tapes: keeps the control block, the participants' scratch memory and the sleeping workers. One tape runs at a
 * time; the caller sees to that.
 */
export class Conductor {
  private readonly machine: Machine;
  private readonly control: Region;
  private readonly words: Int32Array;
  private readonly scratch: Region;
  private readonly pass: number;
  private readonly walker: number;
  private closed = false;
  private interrupted = false;
  private failure: QwenAsrError | null = null;

  constructor(machine: Machine, scratchBytes: number) {
    this.machine = machine;
    const { capabilities, threadCount } = machine;
    this.control = machine.reserve(CONTROL.byteLength + threadCount * SELF.byteLength);
    this.words = new Int32Array(this.control.buffer, this.control.bufferOffset, this.control.byteLength / 4);
    this.scratch = machine.reserve(threadCount * scratchBytes);
    const makers = [passKernel, walkerKernel, workerKernel, joinKernel, leaveKernel];
    const kernels = makers.map((kernel) => kernel(capabilities));
    const [pass, walker, loop, join, leave] = machine.install(kernels) as [
      number,
      number,
      number,
      number,
      number,
    ];
    this.pass = pass;
    this.walker = walker;
    this.words[CONTROL.closed / 4] = 1;
    const selves: number[] = [];
    for (let participant = 1; participant < threadCount; participant++) {
      const offset = CONTROL.byteLength + (participant - 1) * SELF.byteLength;
      const slots = new BigInt64Array(this.control.buffer, this.control.bufferOffset + offset, 3);
      slots[SELF.control / 8] = BigInt(this.control.address);
      slots[SELF.scratch / 8] = BigInt(this.scratch.address + participant * scratchBytes);
      slots[SELF.walker / 8] = BigInt(walker);
      selves.push(this.control.address + offset);
    }
    try {
      machine.startWorkers({ loop, join, leave }, selves);
    } catch (error) {
      this.dismissWorkers(); // those that were started
      throw error;
    }
  }

  /** Bytes of control and scratch memory. */
  get byteLength(): number {
    return this.control.byteLength + this.scratch.byteLength;
  }

  /** Writes entries to kernel memory, in `region` (ENTRY.byteLength bytes each). */
  writeTape(region: Region, entries: readonly TapeEntry[]): Tape {
    let finished = 0; // tiles of all entries so far
    let required = 0;
    entries.forEach((entry, i) => {
      if (entry.barrier) required = finished;
      const slots = new BigInt64Array(region.buffer, region.bufferOffset + i * ENTRY.byteLength, 4);
      slots[ENTRY.kernel / 8] = BigInt(entry.kernel);
      slots[ENTRY.args / 8] = BigInt(entry.args);
      slots[ENTRY.tiles / 8] = BigInt(entry.tiles);
      slots[ENTRY.requires / 8] = BigInt(required);
      finished += entry.tiles;
    });
    return { region, entryCount: entries.length };
  }

  /**
   * Runs a tape once with all participants.
   *
   * @throws QwenAsrError `aborted`; the tape has then stopped within the tiles that were running. `internal` when the
   * first participant failed; workers may then be anywhere, and no tape runs any more.
   */
  async run(tape: Tape, signal?: AbortSignal): Promise<void> {
    if (this.machine.installing) await this.machine.installing;
    if (this.closed || this.interrupted) throw closed();
    if (this.failure !== null) throw this.failure;
    if (signal?.aborted) throw aborted();
    const { words } = this;
    const { region, entryCount } = tape;
    const claims = new Int32Array(region.buffer, region.bufferOffset, (entryCount * ENTRY.byteLength) / 4);
    for (let i = ENTRY.claimed / 4; i < claims.length; i += ENTRY.byteLength / 4) claims[i] = 0;
    const slots = new BigInt64Array(this.control.buffer, this.control.bufferOffset, 4);
    slots[CONTROL.tape / 8] = BigInt(region.address);
    slots[CONTROL.entryCount / 8] = BigInt(entryCount);
    words[CONTROL.completed / 4] = 0;
    words[CONTROL.abort / 4] = 0;
    Atomics.store(words, CONTROL.closed / 4, 0);
    const stop = (): void => void Atomics.store(words, CONTROL.abort / 4, 1);
    signal?.addEventListener('abort', stop, { once: true });
    try {
      this.wakeWorkers();
      await this.machine.enter(this.pass, this.control.address, this.scratch.address, this.walker);
    } catch (cause) {
      throw this.fail(cause);
    } finally {
      signal?.removeEventListener('abort', stop);
    }
    if (this.interrupted) throw closed();
    if (signal?.aborted) throw aborted();
  }

  /** Lets a running tape, if there is one, skip the rest of its tiles. */
  interrupt(): void {
    this.interrupted = true;
    Atomics.store(this.words, CONTROL.abort / 4, 1);
  }

  /** Sends the workers away and frees the machine; no tape may run. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.dismissWorkers();
    await this.machine.close();
  }

  private dismissWorkers(): void {
    Atomics.store(this.words, CONTROL.exit / 4, 1);
    this.wakeWorkers();
  }

  /** Lets the workers leave the pass as soon as they can. */
  private fail(cause: unknown): QwenAsrError {
    Atomics.store(this.words, CONTROL.abort / 4, 1);
    Atomics.store(this.words, CONTROL.closed / 4, 1);
    const reason = cause instanceof Error ? cause.message : String(cause);
    this.failure = new QwenAsrError('internal', `a pass could not be run: ${reason}`, { cause });
    return this.failure;
  }

  private wakeWorkers(): void {
    if (this.machine.threadCount === 1) return;
    Atomics.add(this.words, CONTROL.epoch / 4, 1);
    this.machine.wake(this.control.address + CONTROL.epoch);
  }
}

function aborted(): QwenAsrError {
  return new QwenAsrError('aborted', 'stopped by the caller');
}

function closed(): QwenAsrError {
  return new QwenAsrError('closed', 'the model is closed');
}

import { QwenAsrError } from '../error.js';
import type { Machine, Region } from './machine.js';
import {
  adaptKernel,
  HEALTHY_WINDOWS,
  joinKernel,
  leaveKernel,
  passKernel,
  workerKernel,
} from './participantKernels.js';
import { CONTROL, ENTRY, RELEASED, SELF, UNKNOWN_TICKS } from './tapeLayout.js';
import { walkerKernel } from './walker.js';

/** One step of a tape: `kernel` for each of `tiles` tiles. */
export interface TapeEntry {
  /** What Machine.install named it by. */
  readonly kernel: number;
  /** Address of the argument structure. */
  readonly args: number;
  readonly tiles: number;
}

/** A tape in kernel memory. */
export interface Tape {
  readonly region: Region;
  readonly entryCount: number;
}

/** What `adaptKernel` learns, and the window that it is learning from; all 0 at first but the first two. */
const ADAPTED = [
  CONTROL.wanted,
  CONTROL.restDown,
  CONTROL.aloneTicks,
  CONTROL.elapsedTicks,
  CONTROL.trial,
  CONTROL.speedBefore,
  CONTROL.restUp,
  CONTROL.patience,
];

/**
 * Runs tapes: keeps the control block, the participants' scratch memory and the sleeping workers. One tape runs at a
 * time; the caller sees to that.
 */
export class Conductor {
  private readonly machine: Machine;
  private readonly control: Region;
  private readonly words: Int32Array;
  /** The 8-byte slots at the front of the control block. */
  private readonly slots: BigInt64Array;
  private readonly scratch: Region;
  /** `self` of the first participant. */
  private readonly first: number;
  private readonly pass: number;
  /** Words of ADAPTED after the last run of each tape. */
  private readonly adaptations = new WeakMap<Tape, readonly number[]>();
  private closed = false;
  private interrupted = false;
  private failure: QwenAsrError | null = null;

  constructor(machine: Machine, scratchBytes: number) {
    this.machine = machine;
    const { capabilities, threadCount } = machine;
    this.control = machine.reserve(CONTROL.byteLength + threadCount * SELF.byteLength);
    this.words = new Int32Array(this.control.buffer, this.control.bufferOffset, this.control.byteLength / 4);
    this.slots = new BigInt64Array(this.control.buffer, this.control.bufferOffset, CONTROL.inside / 8);
    this.scratch = machine.reserve(threadCount * scratchBytes);
    const makers = [passKernel, walkerKernel, workerKernel, joinKernel, leaveKernel, adaptKernel];
    const kernels = makers.map((kernel) => kernel(capabilities));
    const [pass, walker, loop, join, leave, adapt] = machine.install(kernels) as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    this.pass = pass;
    this.slots[CONTROL.adapt / 8] = BigInt(adapt);
    this.words[CONTROL.closed / 4] = 1;
    const selves = Array.from({ length: threadCount }, (_, index) =>
      this.writeSelf(index, walker, scratchBytes),
    );
    this.first = selves[0]!;
    try {
      machine.startWorkers({ loop, join, leave }, selves.slice(1));
      this.words[CONTROL.wanted / 4] = machine.threadCount;
      this.words[CONTROL.threadCount / 4] = machine.threadCount;
    } catch (error) {
      this.dismissWorkers(); // those that were started
      throw error;
    }
  }

  /** Bytes of control and scratch memory. */
  get byteLength(): number {
    return this.control.byteLength + this.scratch.byteLength;
  }

  /** Participants that the passes are worth at the moment: others would make them slower. */
  get participantCount(): number {
    return Atomics.load(this.words, CONTROL.wanted / 4);
  }

  /** Tiles of the running tape that are done, or of the last one. */
  get completedTiles(): number {
    return Atomics.load(this.words, CONTROL.completed / 4);
  }

  /**
   * Writes entries to kernel memory, in `region` (ENTRY.byteLength bytes each). Those of a group may overlap; a group
   * waits for all before it.
   */
  writeTape(region: Region, groups: readonly (readonly TapeEntry[])[]): Tape {
    const entryCount = groups.reduce((count, group) => count + group.length, 0);
    const slots = new BigInt64Array(region.buffer, region.bufferOffset, (entryCount * ENTRY.byteLength) / 8);
    let at = 0; // of the entry
    let finished = 0; // tiles of all groups so far
    for (const group of groups) {
      const requires = finished;
      finished += group.reduce((sum, { tiles }) => sum + tiles, 0);
      for (const { kernel, args, tiles } of group) {
        slots[at + ENTRY.kernel / 8] = BigInt(kernel);
        slots[at + ENTRY.args / 8] = BigInt(args);
        slots[at + ENTRY.tiles / 8] = BigInt(tiles);
        slots[at + ENTRY.requires / 8] = BigInt(requires);
        slots[at + ENTRY.last / 8] = BigInt(finished - 1);
        slots[at + ENTRY.fastest / 8] = BigInt(UNKNOWN_TICKS);
        at += ENTRY.byteLength / 8;
      }
    }
    return { region, entryCount };
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
    const { words, slots } = this;
    const { region, entryCount } = tape;
    const claims = new Int32Array(region.buffer, region.bufferOffset, (entryCount * ENTRY.byteLength) / 4);
    for (let i = ENTRY.claimed / 4; i < claims.length; i += ENTRY.byteLength / 4) claims[i] = 0;
    slots[CONTROL.tape / 8] = BigInt(region.address);
    slots[CONTROL.entryCount / 8] = BigInt(entryCount);
    words[CONTROL.completed / 4] = 0;
    words[CONTROL.abort / 4] = 0;
    this.restoreAdaptation(tape);
    Atomics.store(words, CONTROL.closed / 4, 0);
    const stop = (): void => void Atomics.store(words, CONTROL.abort / 4, 1);
    signal?.addEventListener('abort', stop, { once: true });
    try {
      this.wakeWorkers(this.participantCount);
      await this.machine.enter(this.pass, this.first);
    } catch (cause) {
      throw this.fail(cause);
    } finally {
      signal?.removeEventListener('abort', stop);
      this.adaptations.set(
        tape,
        ADAPTED.map((offset) => words[offset / 4]!),
      );
    }
    if (this.interrupted) throw closed();
    if (signal?.aborted) throw aborted();
  }

  /**
   * How many participants a pass is worth is learnt tape by tape: decode steps, which wait for memory, say nothing about
   * encoding, which does not.
   */
  private restoreAdaptation(tape: Tape): void {
    const known = this.adaptations.get(tape) ?? [this.machine.threadCount, HEALTHY_WINDOWS];
    for (const [i, offset] of ADAPTED.entries()) this.words[offset / 4] = known[i] ?? 0;
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
    this.wakeWorkers(this.machine.threadCount);
  }

  /** Lets everybody leave the pass as soon as they can, also who waits for a tile of a participant that failed. */
  private fail(cause: unknown): QwenAsrError {
    const { words } = this;
    Atomics.store(words, CONTROL.abort / 4, 1);
    Atomics.store(words, CONTROL.closed / 4, 1);
    Atomics.store(words, CONTROL.completed / 4, RELEASED.completed);
    Atomics.store(words, CONTROL.inside / 4, RELEASED.inside);
    Atomics.add(words, CONTROL.epoch / 4, 1);
    for (const offset of [CONTROL.completed, CONTROL.inside, CONTROL.epoch]) {
      Atomics.notify(words, offset / 4); // machine code cannot fail: nobody sleeps in a pass that was not entered
    }
    const reason = cause instanceof Error ? cause.message : String(cause);
    this.failure = new QwenAsrError('internal', `a pass could not be run: ${reason}`, { cause });
    return this.failure;
  }

  private writeSelf(index: number, walker: number, scratchBytes: number): number {
    const offset = CONTROL.byteLength + index * SELF.byteLength;
    const slots = new BigInt64Array(this.control.buffer, this.control.bufferOffset + offset, 4);
    slots[SELF.control / 8] = BigInt(this.control.address);
    slots[SELF.scratch / 8] = BigInt(this.scratch.address + index * scratchBytes);
    slots[SELF.walker / 8] = BigInt(walker);
    slots[SELF.index / 8] = BigInt(index);
    return this.control.address + offset;
  }

  private wakeWorkers(wanted: number): void {
    if (this.machine.threadCount === 1) return;
    Atomics.add(this.words, CONTROL.epoch / 4, 1);
    this.machine.wake(this.control.address + CONTROL.epoch, wanted);
  }
}

function aborted(): QwenAsrError {
  return new QwenAsrError('aborted', 'stopped by the caller');
}

function closed(): QwenAsrError {
  return new QwenAsrError('closed', 'the model is closed');
}

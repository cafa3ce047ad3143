import type { KernelSpec } from '../../kernels/kernel.js';
import type { ArenaBlock } from '../../runtime/arena.js';
import type { Conductor, Tape, TapeEntry } from '../../runtime/conductor.js';
import type { Machine } from '../../runtime/machine.js';
import { nextTurn } from '../../runtime/nextTurn.js';
import { ENTRY } from '../../runtime/tapeLayout.js';
import type { Observer, Pass, Tensor } from '../operators.js';
import type { RecordedCall, TapeRecorder } from './tapeRecorder.js';

/** A look at a tensor after the first `callCount` calls. */
export interface Probe {
  readonly stage: string;
  readonly tensor: Tensor;
  readonly callCount: number;
}

const SLOT_BYTES = 8;
const ARGS_ALIGNMENT = 64;

/** Serialises passes: one at a time, in the order of their calls. */
export interface PassQueue {
  enqueue(label: string, work: () => Promise<void>): Promise<void>;
}

/** Consecutive calls up to a probe, or to the end. */
interface Segment {
  readonly calls: readonly RecordedCall[];
  /** Address of each call's argument structure. */
  readonly args: readonly number[];
  /** Where its tape goes; null without calls. */
  readonly block: ArenaBlock | null;
  readonly probe: Probe | null;
  tape: Tape | null;
}

/** A recorded pass as one tape, or as one between every two probes. */
export class CompiledPass implements Pass {
  readonly label: string;
  private readonly conductor: Conductor;
  private readonly library: KernelLibrary;
  private readonly queue: PassQueue;
  private readonly segments: readonly Segment[];
  private readonly observer: Observer | undefined;
  private linked = false;

  constructor(
    label: string,
    recorder: TapeRecorder,
    machine: { conductor: Conductor; library: KernelLibrary; queue: PassQueue },
    probes: readonly Probe[],
    observer: Observer | undefined,
  ) {
    this.label = label;
    this.conductor = machine.conductor;
    this.library = machine.library;
    this.queue = machine.queue;
    this.observer = observer;
    const args = writeArguments(recorder);
    let start = 0;
    this.segments = [...probes, null].map((probe) => {
      const end = probe?.callCount ?? recorder.calls.length;
      const calls = recorder.calls.slice(start, end);
      const block = calls.length === 0 ? null : recorder.buffer(calls.length * ENTRY.byteLength);
      const segment = { calls, args: args.slice(start, end), block, probe, tape: null };
      start = end;
      return segment;
    });
  }

  async prepare(): Promise<void> {
    await this.library.resolve(this.kernels());
  }

  run(signal?: AbortSignal): Promise<void> {
    return this.queue.enqueue(this.label, async () => {
      if (!this.linked) await this.link();
      for (const { tape, probe } of this.segments) {
        if (tape !== null) await this.conductor.run(tape, signal);
        if (probe !== null) this.observer?.(probe.stage, probe.tensor.read(), probe.tensor.shape);
      }
    });
  }

  /** Compiles the kernels and writes the tapes, before the first run: here the event loop can have its turns. */
  private async link(): Promise<void> {
    const handles = await this.library.resolve(this.kernels());
    let next = 0;
    for (const segment of this.segments) {
      const { calls, args, block } = segment;
      if (block === null) continue;
      const groups: TapeEntry[][] = [];
      calls.forEach(({ tiles, group }, i) => {
        if (group !== calls[i - 1]?.group) groups.push([]);
        groups.at(-1)!.push({ kernel: handles[next + i]!, args: args[i]!, tiles });
      });
      next += calls.length;
      segment.tape = this.conductor.writeTape(block, groups);
    }
    this.linked = true;
  }

  private kernels(): KernelSpec[] {
    return this.segments.flatMap(({ calls }) => calls.map(({ kernel }) => kernel));
  }
}

/** Puts all argument structures into kernel memory. @returns their addresses */
function writeArguments(recorder: TapeRecorder): number[] {
  const { calls } = recorder;
  if (calls.length === 0) return [];
  const sizes = calls.map(
    (call) => Math.ceil((call.slots.length * SLOT_BYTES) / ARGS_ALIGNMENT) * ARGS_ALIGNMENT,
  );
  const block = recorder.buffer(sizes.reduce((sum, size) => sum + size, 0));
  let offset = 0;
  return calls.map((call, i) => {
    const slots = new BigInt64Array(block.buffer, block.bufferOffset + offset, call.slots.length);
    call.slots.forEach((value, slot) => {
      slots[slot] = BigInt(value);
    });
    const address = block.address + offset;
    offset += sizes[i]!;
    return address;
  });
}

/** Kernels compiled between two visits to the event loop: a few milliseconds' work each until V8 has warmed up. */
const BATCH_SIZE = 3;

/** Kernels that a machine has compiled, by name; each is emitted once. */
export class KernelLibrary {
  private readonly machine: Machine;
  private readonly compiled = new Map<string, number>();
  private last: Promise<unknown> = Promise.resolve();

  constructor(machine: Machine) {
    this.machine = machine;
  }

  /**
   * Compiles what is missing and returns what the machine names each kernel by, in order. The event loop runs in
   * between. Of several calls one comes after the other.
   */
  resolve(specs: readonly KernelSpec[]): Promise<number[]> {
    const done = this.last.then(() => this.compileMissing(specs));
    this.last = done.catch(() => {});
    return done;
  }

  private async compileMissing(specs: readonly KernelSpec[]): Promise<number[]> {
    const missing = new Map<string, KernelSpec>();
    for (const spec of specs) if (!this.compiled.has(spec.name)) missing.set(spec.name, spec);
    const list = [...missing.values()];
    for (let start = 0; start < list.length; start += BATCH_SIZE) {
      if (start > 0) await nextTurn();
      this.compile(list.slice(start, start + BATCH_SIZE));
    }
    return specs.map((spec) => this.compiled.get(spec.name)!);
  }

  private compile(specs: readonly KernelSpec[]): void {
    const handles = this.machine.install(specs.map((spec) => spec.emit(this.machine.capabilities)));
    specs.forEach((spec, i) => {
      this.compiled.set(spec.name, handles[i]!);
    });
  }
}

import type { Block } from '../../runtime/arena.js';
import type { Conductor, Tape, TapeEntry } from '../../runtime/conductor.js';
import { ENTRY } from '../../runtime/tapeLayout.js';
import type { Observer, Pass, Tensor } from '../operators.js';
import type { KernelLibrary } from './kernelLibrary.js';
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
  readonly block: Block | null;
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
    const specs = this.segments.flatMap(({ calls }) => calls.map(({ kernel }) => kernel));
    const handles = await this.library.resolve(specs);
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

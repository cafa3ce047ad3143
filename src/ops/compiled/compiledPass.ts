import type { Conductor, Tape, TapeEntry } from '../../runtime/conductor.js';
import { ENTRY } from '../../runtime/walker.js';
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

/** A recorded pass as one tape, or as one between every two probes. */
export class CompiledPass implements Pass {
  readonly label: string;
  private readonly conductor: Conductor;
  private readonly queue: PassQueue;
  private readonly segments: { tape: Tape | null; probe: Probe | null }[];
  private readonly observer: Observer | undefined;

  constructor(
    label: string,
    recorder: TapeRecorder,
    machine: { conductor: Conductor; library: KernelLibrary; queue: PassQueue },
    probes: readonly Probe[],
    observer: Observer | undefined,
  ) {
    this.label = label;
    this.conductor = machine.conductor;
    this.queue = machine.queue;
    this.observer = observer;
    const entries = writeArguments(recorder, machine.library);
    this.segments = [];
    let start = 0;
    for (const probe of [...probes, null]) {
      const end = probe?.callCount ?? entries.length;
      const part = entries.slice(start, end);
      const tape =
        part.length === 0
          ? null
          : this.conductor.writeTape(recorder.buffer(part.length * ENTRY.byteLength), part);
      this.segments.push({ tape, probe });
      start = end;
    }
  }

  run(signal?: AbortSignal): Promise<void> {
    return this.queue.enqueue(this.label, async () => {
      for (const { tape, probe } of this.segments) {
        if (tape !== null) await this.conductor.run(tape, signal);
        if (probe !== null) this.observer?.(probe.stage, probe.tensor.read(), probe.tensor.shape);
      }
    });
  }
}

function writeArguments(recorder: TapeRecorder, library: KernelLibrary): TapeEntry[] {
  const { calls } = recorder;
  const handles = library.resolve(calls.map((call) => call.kernel));
  if (calls.length === 0) return [];
  const sizes = calls.map(
    (call) => Math.ceil((call.slots.length * SLOT_BYTES) / ARGS_ALIGNMENT) * ARGS_ALIGNMENT,
  );
  const block = recorder.buffer(sizes.reduce((sum, size) => sum + size, 0));
  let offset = 0;
  return calls.map((call: RecordedCall, i) => {
    const slots = new BigInt64Array(block.buffer, block.bufferOffset + offset, call.slots.length);
    call.slots.forEach((value, slot) => {
      slots[slot] = BigInt(value);
    });
    const entry = {
      kernel: handles[i]!,
      args: block.address + offset,
      tiles: call.tiles,
      barrier: call.barrier,
    };
    offset += sizes[i]!;
    return entry;
  });
}

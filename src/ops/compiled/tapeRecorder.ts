import { QwenAsrError } from '../../error.js';
import type { Capabilities } from '../../jit/ir.js';
import type { KernelSpec } from '../../kernels/kernel.js';
import type { Block } from '../../runtime/arena.js';
import type { CompiledScope } from './compiledScope.js';

/** A kernel call that an operator asked for. */
export interface RecordedCall {
  readonly kernel: KernelSpec;
  /** Argument structure: pointers and numbers, one 8-byte slot each. */
  readonly slots: readonly number[];
  readonly tiles: number;
  readonly barrier: boolean;
}

/** Pointers and numbers by the names of a kernel's slots. */
export type SlotValues<Slot extends string> = Readonly<Record<Slot, number>>;

/**
 * The argument structure of a call.
 *
 * @throws QwenAsrError `internal` when a slot has no value, or one that is no integer: a kernel would take what lay
 * there before for a pointer
 */
export function argumentSlots<Slot extends string>(
  kernel: KernelSpec<Slot>,
  values: SlotValues<Slot>,
): number[] {
  const slots: number[] = new Array(Object.keys(kernel.slots).length).fill(0);
  for (const [name, index] of Object.entries<number>(kernel.slots)) {
    const value: unknown = values[name as Slot];
    if (!Number.isSafeInteger(value)) {
      const what = `kernel ${kernel.name}: argument ${name}`;
      throw new QwenAsrError('internal', `${what}: expected an address or a number, found ${value}`);
    }
    slots[index] = value as number;
  }
  return slots;
}

/** What operators record into: kernel calls, and buffers that the pass keeps. */
export class TapeRecorder {
  readonly capabilities: Capabilities;
  readonly operand: 'f32' | 'bf16';
  readonly threadCount: number;
  readonly calls: RecordedCall[] = [];
  private scope: CompiledScope | null = null;
  private overlapping = false;
  private startsOperator = true;
  private first = true;

  constructor(capabilities: Capabilities, operand: 'f32' | 'bf16', threadCount: number) {
    this.capabilities = capabilities;
    this.operand = operand;
    this.threadCount = threadCount;
  }

  /** Begins an operator that works in `scope`, which then owns the buffers of the pass. */
  operator(scope: CompiledScope): void {
    this.scope ??= scope;
    this.startsOperator = true;
  }

  /** Adds a call with a value for every slot of the kernel's argument structure. */
  call<Slot extends string>(kernel: KernelSpec<Slot>, values: SlotValues<Slot>, tiles: number): void {
    // Inside `independent` only the first operator waits for what came before.
    const barrier = !(this.overlapping && this.startsOperator && !this.first);
    this.calls.push({ kernel, slots: argumentSlots(kernel, values), tiles, barrier });
    this.startsOperator = false;
    this.first = false;
  }

  /** Adds a call that overlaps the one before: both may run at once, and only that one waits. */
  callBeside<Slot extends string>(kernel: KernelSpec<Slot>, values: SlotValues<Slot>, tiles: number): void {
    this.calls.push({ kernel, slots: argumentSlots(kernel, values), tiles, barrier: false });
  }

  independent(record: () => void): void {
    if (this.overlapping) throw new QwenAsrError('internal', 'independent() inside independent()');
    this.overlapping = true;
    this.first = true;
    record();
    this.overlapping = false;
  }

  /** Memory that lives as long as the pass; not cleared. */
  buffer(byteLength: number): Block {
    if (this.scope === null) throw new QwenAsrError('internal', 'a pass without operators has no memory');
    return this.scope.allocate(byteLength);
  }
}

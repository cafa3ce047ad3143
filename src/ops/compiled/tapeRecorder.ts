import { QwenAsrError } from '../../error.js';
import type { Capabilities } from '../../jit/ir.js';
import type { KernelCall, Memory } from '../../kernels/kernel.js';
import type { ArenaBlock } from '../../runtime/arena.js';
import type { TensorScope } from './compiledTensor.js';

/** A call on the tape. Calls of one group may run at once; a group starts when everything before it has finished. */
export interface RecordedCall extends KernelCall {
  readonly group: number;
}

/**
 * What operators record into: kernel calls, and buffers that the pass keeps. The order that calls must keep follows from
 * the memory that they read and write, and from nothing else: a call that conflicts with one of the current group starts
 * the next.
 */
export class TapeRecorder {
  readonly capabilities: Capabilities;
  readonly operand: 'f32' | 'bf16';
  readonly threadCount: number;
  readonly calls: RecordedCall[] = [];
  private scope: TensorScope | null = null;
  /** Calls of the last group. */
  private current: KernelCall[] = [];
  private group = 0;

  constructor(capabilities: Capabilities, operand: 'f32' | 'bf16', threadCount: number) {
    this.capabilities = capabilities;
    this.operand = operand;
    this.threadCount = threadCount;
  }

  /** Adds a call. */
  run(call: KernelCall): void {
    if (this.current.some((other) => conflict(other, call))) {
      this.current = [];
      this.group++;
    }
    this.current.push(call);
    this.calls.push({ ...call, group: this.group });
  }

  /** Where the buffers of the pass come from: the scope of its first operator. */
  useScope(scope: TensorScope): void {
    this.scope ??= scope;
  }

  /** Memory that lives as long as the pass; not cleared. */
  buffer(byteLength: number): ArenaBlock {
    if (this.scope === null) throw new QwenAsrError('internal', 'a pass without operators has no memory');
    return this.scope.allocate(byteLength);
  }
}

/** Whether two calls must not run at once: one of them writes what the other reads or writes. */
function conflict(a: KernelCall, b: KernelCall): boolean {
  return overlap(a.writes, b.writes) || overlap(a.writes, b.reads) || overlap(a.reads, b.writes);
}

function overlap(a: readonly Memory[], b: readonly Memory[]): boolean {
  return a.some((x) =>
    b.some((y) => x.address < y.address + y.byteLength && y.address < x.address + x.byteLength),
  );
}

import { QwenAsrError } from '../../error.js';
import type { Capabilities } from '../../jit/ir.js';
import type { KernelCall, Memory } from '../../kernels/kernel.js';
import type { ArenaBlock } from '../../runtime/arena.js';
import type { TensorScope } from './compiledTensor.js';

/** A call on the tape. Calls of one group may run at once; a group starts when everything before it has finished. */
export interface RecordedCall extends KernelCall {
  readonly group: number;
}

/** Memory that a call computes of other memory, for all that read it. */
interface Derivation {
  readonly source: Memory;
  readonly kind: string;
  readonly memory: Memory;
  /** Nothing has written the source since. */
  isCurrent: boolean;
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
  private readonly derivations: Derivation[] = [];

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
    for (const derivation of this.derivations) {
      if (overlap(call.writes, [derivation.source])) derivation.isCurrent = false;
    }
    this.current.push(call);
    this.calls.push({ ...call, group: this.group });
  }

  /** Where the buffers of the pass come from: the scope of its first operator. */
  useScope(scope: TensorScope): void {
    this.scope ??= scope;
  }

  /**
   * Memory whose content follows from `source` alone, by what `kind` names: computed when it is first asked for, and
   * again where the source has been written since.
   */
  derived(source: Memory, kind: string, byteLength: number, compute: (to: Memory) => KernelCall): Memory {
    const { address } = source;
    const isSame = (known: Derivation): boolean =>
      known.kind === kind &&
      known.source.address === address &&
      known.source.byteLength === source.byteLength;
    let found = this.derivations.find(isSame);
    if (found === undefined) {
      const block = this.buffer(byteLength);
      const memory = { address: block.address, byteLength };
      found = { source: { address, byteLength: source.byteLength }, kind, memory, isCurrent: false };
      this.derivations.push(found);
    }
    if (!found.isCurrent) this.run(compute(found.memory));
    found.isCurrent = true;
    return found.memory;
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

import { Assembler } from '../jit/x64/assembler.js';
import { mem, rax, rbx, rdi, rsi } from '../jit/x64/operands.js';

/** Words of an entry: a function's address, its two arguments, and, in the last one, a function in place of 0. */
const CALL_ENTRY = { function: 0, first: 1, second: 2, last: 3, count: 4 } as const;

const PAGE_BYTES = 4096;
const ENTRY_BYTES = 8 * CALL_ENTRY.count;
const TABLE_BYTES = 16 * PAGE_BYTES;

/** One for the key and one for the end. */
const MOST_CALLS = TABLE_BYTES / ENTRY_BYTES - 2;

/** A function of the system or of generated code, by its address, and its arguments. */
export type LastCall = readonly [address: number, first: number, second: number];

/** The system calls that this needs. */
export interface ThreadSystem {
  reserve(byteLength: number): number;
  seal(address: number, byteLength: number): void;
  view(address: number, byteLength: number): ArrayBuffer;
  /** Has `destructor(value)` called when this thread ends. @returns the key, or null where the system has none left */
  onThreadEnd(destructor: number, value: number): number | null;
  readonly addressOfMunmap: number;
  readonly addressOfKeyDelete: number;
}

/**
 * Calls that are made when the thread that creates this ends, whichever way: a worker thread of Node that is terminated
 * runs no JavaScript any more, and its native threads and mappings would outlive it. The system's destructors of
 * thread-specific data do run, after Node has waited for the thread's foreign calls and freed its heap.
 *
 * The main thread needs none: the process ends with it.
 */
export class LastCalls {
  readonly #system: ThreadSystem;
  /** In the order of their calls. */
  readonly #threads = new Set<LastCall>();
  readonly #memory = new Set<LastCall>();
  #key: number | null = null;
  #start = 0;
  #table: BigInt64Array | null = null;

  constructor(system: ThreadSystem) {
    this.#system = system;
  }

  /** @param kind calls on threads are made before those that free memory */
  add(kind: 'thread' | 'memory', call: LastCall): void {
    (kind === 'thread' ? this.#threads : this.#memory).add(call);
    this.#write();
  }

  /** Before the resource is given up: its address may be another's at once. */
  remove(call: LastCall): void {
    this.#threads.delete(call);
    this.#memory.delete(call);
    this.#write();
  }

  #write(): void {
    this.#table ??= this.#open();
    if (this.#key === null) return;
    const { addressOfMunmap, addressOfKeyDelete } = this.#system;
    const calls = [...this.#threads, ...this.#memory].slice(0, MOST_CALLS);
    const words = [...calls, [addressOfKeyDelete, this.#key, 0] as const].flatMap((call) => [...call, 0]);
    words.push(0, this.#start, PAGE_BYTES + TABLE_BYTES, addressOfMunmap);
    // In one go: the thread can be stopped between any two steps of JavaScript.
    this.#table.set(BigInt64Array.from(words, BigInt));
  }

  /** A page of code and the table behind it, which end with the thread. */
  #open(): BigInt64Array {
    const { reserve, seal, view, onThreadEnd, addressOfMunmap } = this.#system;
    this.#start = reserve(PAGE_BYTES + TABLE_BYTES);
    new Uint8Array(view(this.#start, PAGE_BYTES)).set(callTableCode());
    const table = new BigInt64Array(view(this.#start + PAGE_BYTES, TABLE_BYTES));
    table.set([0n, BigInt(this.#start), BigInt(PAGE_BYTES + TABLE_BYTES), BigInt(addressOfMunmap)]);
    seal(this.#start, PAGE_BYTES);
    this.#key = onThreadEnd(this.#start, this.#start + PAGE_BYTES);
    return table;
  }
}

const WORD_BYTES = 8;

/**
 * Machine code of f(table): calls the function of each entry with its arguments. An entry without a function is the end:
 * its `last` is jumped to, so that it may free this code and the table.
 */
function callTableCode(): Uint8Array {
  const asm = new Assembler({ name: 'callTable' });
  const word = (index: number): ReturnType<typeof mem> => mem(rbx, { disp: WORD_BYTES * index });
  const again = asm.label('again');
  const end = asm.label('end');
  asm.emit('push', rbx); // which aligns the stack, too
  asm.emit('mov', rbx, rdi);
  asm.bind(again);
  asm.emit('mov', rax, word(CALL_ENTRY.function));
  asm.emit('mov', rdi, word(CALL_ENTRY.first));
  asm.emit('mov', rsi, word(CALL_ENTRY.second));
  asm.emit('test', rax, rax);
  asm.emit('je', end);
  asm.emit('call', rax);
  asm.emit('add', rbx, WORD_BYTES * CALL_ENTRY.count);
  asm.emit('jmp', again);
  asm.bind(end);
  asm.emit('mov', rax, word(CALL_ENTRY.last));
  asm.emit('pop', rbx);
  asm.emit('jmp', rax);
  return asm.finish();
}

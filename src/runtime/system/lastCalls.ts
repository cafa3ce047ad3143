import { CALL_ENTRY_WORDS } from './callTable.js';

const PAGE_BYTES = 65536; // at least a page of every system
const WORD_BYTES = 8;
const ENTRY_BYTES = WORD_BYTES * CALL_ENTRY_WORDS;
const TABLE_BYTES = PAGE_BYTES;

/** Three for the end. */
const MOST_CALLS = TABLE_BYTES / ENTRY_BYTES - 3;

/** A function of the system or of generated code, by its address, and its arguments. */
export type LastCall = readonly [address: number, first: number, second: number, third: number];

/** The system calls that this needs. */
export interface ThreadSystem {
  reserve(byteLength: number): number;
  seal(address: number, byteLength: number): void;
  view(address: number, byteLength: number): ArrayBuffer;
  /** Has `destructor(value)` called when this thread ends. @returns a key, or null where the system has none left */
  onThreadEnd(destructor: number, value: number): number | null;
  /** Frees what `reserve` gave. */
  release(address: number, byteLength: number): LastCall;
  /** Frees the key; null where that must not be done in the destructor. */
  freeKey(key: number): LastCall | null;
  /** Machine code of f(table), as `callTableCode` makes it. */
  readonly callTable: Uint8Array;
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
  /** By their resources. */
  readonly #threads = new Map<number, readonly LastCall[]>();
  readonly #memory = new Map<number, readonly LastCall[]>();
  #key: number | null = null;
  #start = 0;
  #table: BigInt64Array | null = null;

  constructor(system: ThreadSystem) {
    this.#system = system;
  }

  /**
   * @param kind calls on threads are made before those that free memory
   * @param resource a thread by its handle, memory by its address
   * @param calls what gives it back
   */
  keep(kind: 'thread' | 'memory', resource: number, ...calls: readonly LastCall[]): void {
    (kind === 'thread' ? this.#threads : this.#memory).set(resource, calls);
    this.#write();
  }

  /** Before the resource is given back: its address may be another's at once. */
  drop(resource: number): void {
    const isKept = this.#threads.delete(resource) || this.#memory.delete(resource);
    if (isKept) this.#write();
  }

  #write(): void {
    this.#table ??= this.#open();
    if (this.#key === null) return;
    const freeKey = this.#system.freeKey(this.#key);
    const calls = [...this.#threads.values(), ...this.#memory.values()].flat().slice(0, MOST_CALLS);
    const words = [...calls, ...(freeKey === null ? [] : [freeKey]), ...this.#end()].flat();
    // In one go: the thread can be stopped between any two steps of JavaScript.
    this.#table.set(BigInt64Array.from(words, BigInt));
  }

  /** What frees the code and the table. */
  #end(): LastCall[] {
    return [[0, 0, 0, 0], this.#system.release(this.#start, PAGE_BYTES + TABLE_BYTES)];
  }

  /** A page of code and the table behind it, which end with the thread. */
  #open(): BigInt64Array {
    const { reserve, seal, view, onThreadEnd, callTable } = this.#system;
    this.#start = reserve(PAGE_BYTES + TABLE_BYTES);
    new Uint8Array(view(this.#start, PAGE_BYTES)).set(callTable);
    const table = new BigInt64Array(view(this.#start + PAGE_BYTES, TABLE_BYTES));
    table.set(BigInt64Array.from(this.#end().flat(), BigInt));
    seal(this.#start, PAGE_BYTES);
    this.#key = onThreadEnd(this.#start, this.#start + PAGE_BYTES);
    return table;
  }
}

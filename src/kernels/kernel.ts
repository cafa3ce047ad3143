import { QwenAsrError } from '../error.js';
import { KernelBuilder } from '../jit/builder.js';
import type { Capabilities, IntReg, KernelCode } from '../jit/ir.js';

/*
 * Every kernel is called as kernel(args, tile, scratch): `args` points to a structure of 8-byte slots, one an argument,
 * `tile` says which part of the work to do, `scratch` points to SCRATCH_BYTES of memory that belongs to the calling
 * thread. A kernel declares its arguments once; from that follow the slots, how its code loads them, and what a call
 * must give and is known to read and write.
 */

/** Private memory of each participant: larger than any kernel's intermediate block. */
export const SCRATCH_BYTES = 1 << 20;

/** Bytes that kernels reach: a tensor, a weight, a layer of a cache, a block of an arena. */
export interface Memory {
  readonly address: number;
  readonly byteLength: number;
}

/**
 * What a kernel does with an argument: memory that it reads, writes or `updates` (both), or a number. `reads?` is memory
 * that some specialisations have no use for; their calls say `null`.
 */
type ArgumentUse = 'reads' | 'reads?' | 'writes' | 'updates' | 'number';

/** The arguments of a kernel, in the order of their slots. */
export type ArgumentUses = Readonly<Record<string, ArgumentUse>>;

/** What a call gives for each argument. */
export type ArgumentValues<Uses extends ArgumentUses> = {
  readonly [Name in keyof Uses]: Uses[Name] extends 'number'
    ? number
    : Uses[Name] extends 'reads?'
      ? Memory | null
      : Memory;
};

/** Loads of each argument into a new register: an address or a number. */
export type ArgumentLoads<Uses extends ArgumentUses> = {
  readonly [Name in keyof Uses]: () => IntReg;
};

/** What the code of a kernel starts from. */
export interface KernelParams<Uses extends ArgumentUses> {
  readonly args: ArgumentLoads<Uses>;
  readonly tile: IntReg;
  readonly scratch: IntReg;
}

/** A kernel to compile: a name that is unique for the code, and the code. */
export interface KernelSpec {
  /** Identifies kernel and specialisation, for example `rmsNorm.1024.0.000001.bf16.t8`. */
  readonly name: string;
  emit(capabilities: Capabilities): KernelCode;
}

/** One call of a kernel, ready to be put on a tape. */
export interface KernelCall {
  readonly kernel: KernelSpec;
  /** Argument structure: addresses and numbers. */
  readonly slots: readonly number[];
  readonly tiles: number;
  readonly reads: readonly Memory[];
  readonly writes: readonly Memory[];
}

/** A specialised kernel. */
export interface Kernel<Uses extends ArgumentUses> extends KernelSpec {
  /**
   * Writes down a call: its slots, its tiles, and the ranges of memory that it reads and writes.
   *
   * @throws QwenAsrError `internal` for a value that is no address or integer: the code would take what it finds for one
   */
  call(values: ArgumentValues<Uses>): KernelCall;
}

/** A kernel as its file defines it. */
export interface KernelDefinition<Uses extends ArgumentUses> {
  readonly name: string;
  readonly args: Uses;
  /** How many tiles the work of a call has; they may run in any order and at once. */
  tiles(values: ArgumentValues<Uses>): number;
  emit(k: KernelBuilder, params: KernelParams<Uses>): void;
}

/**
 * Makes a kernel of its definition.
 *
 * @example
 * const fill = defineKernel({
 *   name: 'fill',
 *   args: { y: 'writes' },
 *   tiles: ({ y }) => y.byteLength / 4,
 *   emit: (k, { args, tile }) => k.intStore(k.at(args.y(), 0, k.intOp('shiftLeft', tile, 2)), 1, 'i32'),
 * });
 * fill.call({ y: { address: 4096, byteLength: 16 } }).tiles; // 4
 */
export function defineKernel<const Uses extends ArgumentUses>(
  definition: KernelDefinition<Uses>,
): Kernel<Uses> {
  const { name } = definition;
  const uses = Object.entries(definition.args);
  return {
    name,
    emit: (capabilities) => {
      const k = new KernelBuilder(name, capabilities);
      const [structure, tile, scratch] = [k.param(), k.param(), k.param()];
      const loads = uses.map(([argument], slot) => {
        return [argument, () => k.intLoad(k.at(structure, 8 * slot), 'pointer')] as const;
      });
      definition.emit(k, { args: Object.fromEntries(loads) as ArgumentLoads<Uses>, tile, scratch });
      return k.finish();
    },
    call(values) {
      const given = uses.map(([argument, use]) => ({ argument, use, value: values[argument] }));
      const slots = given.map(({ argument, value }) => slotValue(name, argument, value));
      const memory = (...wanted: readonly ArgumentUse[]): Memory[] =>
        given.flatMap(({ use, value }) => (wanted.includes(use) && isMemory(value) ? [value] : []));
      return {
        kernel: this,
        slots,
        tiles: definition.tiles(values),
        reads: memory('reads', 'reads?', 'updates'),
        writes: memory('writes', 'updates'),
      };
    },
  };
}

function isMemory(value: unknown): value is Memory {
  return typeof value === 'object' && value !== null;
}

function slotValue(kernel: string, argument: string, value: unknown): number {
  const slot = value === null ? 0 : isMemory(value) ? value.address : value;
  if (Number.isSafeInteger(slot)) return slot as number;
  const what = `kernel ${kernel}: argument ${argument}`;
  throw new QwenAsrError('internal', `${what}: expected an address or a number, found ${slot}`);
}

/**
 * Brings an index that was read from memory into 0 … last, in place: whatever the data says, a kernel stays inside its
 * tables. Callers check indices and name what is wrong; this is the net below them.
 */
export function boundIndex(k: KernelBuilder, index: IntReg, last: IntReg | number): IntReg {
  return k.intOp('max', k.intOp('min', index, last, index), 0, index);
}

/** Rows of a tile: `rowsPerTile` from tile·rowsPerTile on, fewer at the end of the `m` rows that there are. */
export function rowRange(
  k: KernelBuilder,
  tile: IntReg,
  rowsPerTile: number,
  m: () => IntReg,
): { first: IntReg; count: IntReg } {
  const first = k.intOp('mul', tile, rowsPerTile);
  const count = k.intOp('sub', m(), first);
  k.intOp('min', count, rowsPerTile, count);
  return { first, count };
}

/** Scratch memory that kernels may use for vectors; the rest holds their integer variables. */
export const SCRATCH_VECTOR_BYTES = SCRATCH_BYTES - 128;

/**
 * An integer of a kernel that lives in scratch memory, so that it costs no register while a hot loop runs.
 * `index` 0–15 is its place.
 */
export class ScratchVariable {
  private readonly k: KernelBuilder;
  private readonly scratch: IntReg;
  private readonly offset: number;

  constructor(k: KernelBuilder, scratch: IntReg, index: number) {
    this.k = k;
    this.scratch = scratch;
    this.offset = SCRATCH_VECTOR_BYTES + 8 * index;
  }

  get(d?: IntReg): IntReg {
    return this.k.intLoad(this.k.at(this.scratch, this.offset), 'pointer', d);
  }

  set(value: IntReg): void {
    this.k.intStore(this.k.at(this.scratch, this.offset), value, 'pointer');
  }
}

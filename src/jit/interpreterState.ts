import { QwenAsrError } from '../error.js';
import {
  type Address,
  type ArithmeticSource,
  type CompareKind,
  type IntOperand,
  type IntReg,
  type KernelCode,
  unknownCase,
  type VecReg,
} from './ir.js';

/** The registers and the memory of an interpreted kernel, every access checked. */
export class InterpreterState {
  readonly code: KernelCode;
  readonly lanes: number;
  readonly memory: DataView;
  /** The memory as aligned i32, for atomics. */
  readonly words: Int32Array;
  /** All vector registers, and in the last row a source read from memory: [vecCount + 1, lanes], as bits. */
  readonly bits: Uint32Array;
  /** The same lanes as f32. */
  readonly floats: Float32Array;
  /** [8, 16, 64] bytes of all tiles, or null while none are configured. */
  tiles: Uint8Array | null = null;
  /** The operation being executed, for messages. */
  op = 'parameters';
  private readonly ints: (number | undefined)[]; // by register id
  private readonly isWritten: boolean[]; // by vector register id

  constructor(code: KernelCode, memory: ArrayBufferLike) {
    this.code = code;
    this.lanes = code.lanes;
    this.memory = new DataView(memory);
    this.words = new Int32Array(memory, 0, memory.byteLength >> 2);
    this.bits = new Uint32Array((code.vecCount + 1) * code.lanes);
    this.floats = new Float32Array(this.bits.buffer);
    this.ints = new Array<number | undefined>(code.intCount).fill(undefined);
    this.isWritten = new Array<boolean>(code.vecCount).fill(false);
  }

  int(operand: IntOperand): number {
    if (typeof operand === 'number') return operand;
    return this.ints[operand.id] ?? this.fail(`integer register ${operand.id} is read before it is written`);
  }

  setInt(d: IntReg, value: number): void {
    if (!Number.isInteger(value) || value < -(2 ** 31) || value >= 2 ** 32)
      this.fail(`expected an integer from −2^31 to 2^32−1, found ${value}`);
    this.ints[d.id] = value + 0; // −0 becomes 0
  }

  /** Shift counts are constants, never registers. */
  shiftCount(count: IntOperand): number {
    if (typeof count === 'number' && Number.isInteger(count) && count >= 0 && count < 32) return count;
    return this.fail(`expected a constant shift of 0 to 31, found ${JSON.stringify(count)}`);
  }

  /** Where the lanes of a register start in `bits` and `floats`. */
  row(register: VecReg): number {
    if (!this.isWritten[register.id])
      this.fail(`vector register ${register.id} is read before it is written`);
    return register.id * this.lanes;
  }

  /** The same for a register, a full vector in memory, or an element there that every lane gets. */
  sourceRow(source: ArithmeticSource): number {
    if (source.kind === 'vec') return this.row(source);
    const isElement = source.kind === 'element';
    const at = isElement ? this.address(source.at, 4) : this.address(source, 4 * this.lanes);
    const row = this.code.vecCount * this.lanes;
    for (let lane = 0; lane < this.lanes; lane++)
      this.bits[row + lane] = this.memory.getUint32(isElement ? at : at + 4 * lane, true);
    return row;
  }

  /** The f32 lanes of a register: [lanes] f32. */
  floatsOf(register: VecReg): Float32Array {
    const row = this.row(register);
    return this.floats.subarray(row, row + this.lanes);
  }

  /** Writes the low 32 bits of `lane(i)` to every lane i, in order: a lane may read the same lane of d. */
  setLanes(d: VecReg, lane: (index: number) => number): void {
    for (let i = 0; i < this.lanes; i++) this.bits[d.id * this.lanes + i] = lane(i);
    this.isWritten[d.id] = true;
  }

  /** The byte offset of `bytes` bytes inside the memory; base + index must not be negative even before the offset. */
  address({ base, index, offset }: Address, bytes: number): number {
    const start = this.int(base) + (index === null ? 0 : this.int(index));
    const at = start + offset;
    const { byteLength } = this.memory;
    if (start < 0 || at < 0 || at + bytes > byteLength)
      this.fail(`${bytes} bytes at ${start} + ${offset} lie outside the ${byteLength} bytes of memory`);
    return at;
  }

  alignedAddress(at: Address, bytes: number): number {
    const address = this.address(at, bytes);
    return address % bytes === 0
      ? address
      : this.fail(`expected an address that ${bytes} divides, found ${address}`);
  }

  /** The index in `words` of an aligned i32. */
  word(at: Address): number {
    return this.alignedAddress(at, 4) / 4;
  }

  fail(problem: string): never {
    throw new QwenAsrError('internal', `kernel ${this.code.name}, ${this.op}: ${problem}`);
  }
}

/** Every comparison but `ne` is false when an operand is NaN. */
export function compareNumbers(kind: CompareKind, a: number, b: number): boolean {
  switch (kind) {
    case 'lt':
      return a < b;
    case 'le':
      return a <= b;
    case 'gt':
      return a > b;
    case 'ge':
      return a >= b;
    case 'eq':
      return a === b;
    case 'ne':
      return a !== b;
    default:
      throw unknownCase(kind);
  }
}

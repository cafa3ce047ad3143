import { QwenAsrError } from '../../error.js';
import {
  type MemoryInstruction,
  memoryInstructions,
  type OperandValue,
  type PlainInstruction,
  plainInstructions,
  signedLeb128,
  typeCode,
  unsignedLeb128,
  type ValueType,
} from './binaryFormat.js';

const VOID_BLOCK = 0x40;
const SELECT = 0x1b;
const DROP = 0x1a;

/** A local variable of the function being written. */
export interface Local {
  readonly index: number;
  readonly type: ValueType;
}

/**
 * Writes the body of one WebAssembly function. Every instruction checks the types it finds on the value stack, so a
 * mistake fails where it is made and names the instruction, not later in a validator that names a byte offset.
 *
 * @example
 * const code = new TypedCode('addOne', ['i32'], 'i32');
 * code.get(code.params[0]);
 * code.i32(1);
 * code.op('i32.add');
 * code.set(code.params[0]);
 * const body = code.finish();
 */
export class TypedCode {
  readonly name: string;
  readonly params: readonly Local[];
  readonly addressType: 'i32' | 'i64';
  private readonly locals: Local[] = []; // without the parameters
  private readonly bytes: number[] = [];
  private readonly stack: ValueType[] = [];
  private depth = 0; // of open blocks

  constructor(name: string, params: readonly ValueType[], addressType: 'i32' | 'i64') {
    this.name = name;
    this.params = params.map((type, index) => ({ index, type }));
    this.addressType = addressType;
  }

  // ---- locals and constants ----

  /** A fresh local, zero at first. */
  local(type: ValueType): Local {
    const local = { index: this.params.length + this.locals.length, type };
    this.locals.push(local);
    return local;
  }

  get(local: Local): void {
    this.write('local.get', [], [local.type], [0x20, ...unsignedLeb128(local.index)]);
  }

  set(local: Local): void {
    this.write('local.set', [local.type], [], [0x21, ...unsignedLeb128(local.index)]);
  }

  tee(local: Local): void {
    this.write('local.tee', [local.type], [local.type], [0x22, ...unsignedLeb128(local.index)]);
  }

  i32(value: number): void {
    this.write('i32.const', [], ['i32'], [0x41, ...signedLeb128(value | 0)]);
  }

  i64(value: number): void {
    this.write('i64.const', [], ['i64'], [0x42, ...signedLeb128(value)]);
  }

  /** Four 32-bit patterns, lane 0 first. */
  v128(bits: readonly [number, number, number, number]): void {
    const bytes = bits.flatMap((lane) => [lane, lane >>> 8, lane >>> 16, lane >>> 24]);
    this.write('v128.const', [], ['v128'], [0xfd, 0x0c, ...bytes.map((byte) => byte & 0xff)]);
  }

  // ---- instructions ----

  op(name: PlainInstruction): void {
    const [opcode, takes, gives] = plainInstructions[name];
    this.write(name, takes, gives, opcodeBytes(opcode));
  }

  /** A load, store or atomic at the address on the stack plus `offset` bytes. */
  memory(name: MemoryInstruction, offset: number): void {
    const [opcode, takes, gives] = memoryInstructions[name];
    const alignmentLog2 = opcode.startsWith('fe') ? 2 : 0; // 0: no alignment is promised
    const lane = name.endsWith('_lane') ? [0] : [];
    this.write(name, takes, gives, [
      ...opcodeBytes(opcode),
      alignmentLog2,
      ...unsignedLeb128(offset),
      ...lane,
    ]);
  }

  /** 32-bit lanes of two vectors; 0–3 of the first, 4–7 of the second. */
  shuffle(lanes: readonly [number, number, number, number]): void {
    this.shuffleBytes(lanes.flatMap((lane) => [4 * lane, 4 * lane + 1, 4 * lane + 2, 4 * lane + 3]));
  }

  /** 16 bytes of two vectors; 0–15 of the first, 16–31 of the second. */
  shuffleBytes(bytes: readonly number[]): void {
    this.write('i8x16.shuffle', ['v128', 'v128'], ['v128'], [0xfd, 0x0d, ...bytes]);
  }

  /** 16-bit lanes of two vectors in turns, of their low or their high halves. */
  interleave16(half: 'low' | 'high'): void {
    const first = half === 'low' ? 0 : 8;
    this.shuffleBytes(
      [0, 2, 4, 6].flatMap((at) => [first + at, first + at + 1, first + at + 16, first + at + 17]),
    );
  }

  /** a b condition → a if the condition is not 0, else b. */
  select(type: 'i32' | 'i64'): void {
    this.write('select', [type, type, 'i32'], [type], [SELECT]);
  }

  drop(type: ValueType): void {
    this.write('drop', [type], [], [DROP]);
  }

  /** Calls a function of this module with arguments from the stack. */
  call(params: readonly ValueType[], functionIndex: number, ...results: ValueType[]): void {
    this.write('call', params, results, [0x10, ...unsignedLeb128(functionIndex)]);
  }

  /** Calls the function at a table index with `params` arguments below that index on the stack. */
  callIndirect(params: readonly ValueType[], typeIndex: number): void {
    this.write('call_indirect', [...params, 'i32'], [], [0x11, ...unsignedLeb128(typeIndex), 0]);
  }

  // ---- control: blocks take and give nothing ----

  /** Runs `body` if the i32 on the stack is not 0. */
  if(body: () => void, otherwise?: () => void): void {
    this.write('if', ['i32'], [], [0x04, VOID_BLOCK]);
    this.block(body);
    if (otherwise !== undefined) {
      this.bytes.push(0x05);
      this.block(otherwise);
    }
    this.bytes.push(0x0b);
  }

  /** Runs `body`, and again as long as `again` leaves an i32 that is not 0. */
  repeat(body: () => void, again: () => void): void {
    this.bytes.push(0x03, VOID_BLOCK);
    this.block(() => {
      body();
      again();
      this.write('br_if', ['i32'], [], [0x0d, 0]);
    });
    this.bytes.push(0x0b);
  }

  /** The function's entry in the code section: locals, instructions, end. */
  finish(): number[] {
    if (this.stack.length > 0 || this.depth > 0) this.fail('end', `expected an empty stack`);
    const groups: { type: ValueType; count: number }[] = [];
    for (const { type } of this.locals) {
      const last = groups.at(-1);
      if (last?.type === type) last.count++;
      else groups.push({ type, count: 1 });
    }
    const declarations = groups.flatMap(({ type, count }) => [...unsignedLeb128(count), typeCode(type)]);
    return [...unsignedLeb128(groups.length), ...declarations, ...this.bytes, 0x0b];
  }

  private block(body: () => void): void {
    const outer = this.stack.splice(0); // a block does not see what lies below it
    this.depth++;
    body();
    this.depth--;
    if (this.stack.length > 0) this.fail('end of block', 'expected an empty stack');
    this.stack.push(...outer);
  }

  private write(
    name: string,
    takes: readonly OperandValue[],
    gives: readonly OperandValue[],
    bytes: readonly number[],
  ): void {
    const expected = takes.map((type) => (type === 'address' ? this.addressType : type));
    const from = this.stack.length - expected.length;
    const matches = expected.every((type, i) => this.stack[from + i] === type);
    if (!matches) this.fail(name, `expected ${expected.join(' ')}`);
    this.stack.length = from;
    for (const type of gives) this.stack.push(type === 'address' ? this.addressType : type);
    for (const byte of bytes) this.bytes.push(byte);
  }

  private fail(instruction: string, expected: string): never {
    const found = this.stack.join(' ') || 'nothing';
    throw new QwenAsrError(
      'internal',
      `WebAssembly function ${this.name}, ${instruction}: ${expected}, found ${found}`,
    );
  }
}

/** The bytes of a table row's opcode; what follows a prefix is a LEB128 number. */
function opcodeBytes(opcode: string): number[] {
  const [first = 0, second] = opcode.split(' ').map((hex) => Number.parseInt(hex, 16));
  return second === undefined ? [first] : [first, ...unsignedLeb128(second)];
}

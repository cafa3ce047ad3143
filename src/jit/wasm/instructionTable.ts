/** Types of values on the WebAssembly stack that kernels use. */
export type ValueType = 'i32' | 'i64' | 'v128';

/** What an instruction takes and gives; `address` is i64 in a 64-bit memory and i32 otherwise. */
export type OperandType = ValueType | 'address';

/** Opcode bytes in hex, the operands popped (last one on top) and the results pushed. */
type Row = readonly [opcode: string, takes: readonly OperandType[], gives: readonly ValueType[]];

const unaryVec: readonly OperandType[] = ['v128'];
const binaryVec: readonly OperandType[] = ['v128', 'v128'];
const vec: readonly ValueType[] = ['v128'];
const i32: readonly ValueType[] = ['i32'];
const i64: readonly ValueType[] = ['i64'];
const i32i32: readonly OperandType[] = ['i32', 'i32'];
const i64i64: readonly OperandType[] = ['i64', 'i64'];

/**
 * Instructions without immediates. Opcodes: WebAssembly core specification, appendix "Index of Instructions"; after the
 * prefix fd (vectors) the second number is written as LEB128.
 */
export const plainInstructions = {
  'i32.eq': ['46', i32i32, i32],
  'i32.ne': ['47', i32i32, i32],
  'i32.lt_s': ['48', i32i32, i32],
  'i32.gt_s': ['4a', i32i32, i32],
  'i32.le_s': ['4c', i32i32, i32],
  'i32.ge_s': ['4e', i32i32, i32],
  'i64.eq': ['51', i64i64, i32],
  'i64.ne': ['52', i64i64, i32],
  'i64.lt_s': ['53', i64i64, i32],
  'i64.gt_s': ['55', i64i64, i32],
  'i64.le_s': ['57', i64i64, i32],
  'i64.ge_s': ['59', i64i64, i32],
  'i32.add': ['6a', i32i32, i32],
  'i32.sub': ['6b', i32i32, i32],
  'i32.mul': ['6c', i32i32, i32],
  'i32.div_u': ['6e', i32i32, i32],
  'i32.rem_u': ['70', i32i32, i32],
  'i32.and': ['71', i32i32, i32],
  'i32.shl': ['74', i32i32, i32],
  'i32.shr_s': ['75', i32i32, i32],
  'i64.add': ['7c', i64i64, i64],
  'i64.sub': ['7d', i64i64, i64],
  'i64.mul': ['7e', i64i64, i64],
  'i64.div_u': ['80', i64i64, i64],
  'i64.rem_u': ['82', i64i64, i64],
  'i64.and': ['83', i64i64, i64],
  'i64.shl': ['86', i64i64, i64],
  'i64.shr_s': ['87', i64i64, i64],
  'i32.wrap_i64': ['a7', ['i64'], i32],
  'i64.extend_i32_s': ['ac', ['i32'], i64],

  'i32x4.splat': ['fd 11', ['i32'], vec],
  'i32x4.ge_s': ['fd 3f', binaryVec, vec],
  'f32x4.eq': ['fd 41', binaryVec, vec],
  'f32x4.ne': ['fd 42', binaryVec, vec],
  'f32x4.gt': ['fd 44', binaryVec, vec],
  'f32x4.ge': ['fd 46', binaryVec, vec],
  'v128.and': ['fd 4e', binaryVec, vec],
  'v128.or': ['fd 50', binaryVec, vec],
  'v128.xor': ['fd 51', binaryVec, vec],
  'v128.bitselect': ['fd 52', ['v128', 'v128', 'v128'], vec],
  'f32x4.nearest': ['fd 6a', unaryVec, vec],
  'i16x8.narrow_i32x4_u': ['fd 86', binaryVec, vec],
  'i32x4.shl': ['fd ab', ['v128', 'i32'], vec],
  'i32x4.shr_u': ['fd ad', ['v128', 'i32'], vec],
  'i32x4.add': ['fd ae', binaryVec, vec],
  'i32x4.sub': ['fd b1', binaryVec, vec],
  'f32x4.sqrt': ['fd e3', unaryVec, vec],
  'f32x4.add': ['fd e4', binaryVec, vec],
  'f32x4.sub': ['fd e5', binaryVec, vec],
  'f32x4.mul': ['fd e6', binaryVec, vec],
  'f32x4.div': ['fd e7', binaryVec, vec],
  'f32x4.pmin': ['fd ea', binaryVec, vec],
  'f32x4.pmax': ['fd eb', binaryVec, vec],
  'i32x4.trunc_sat_f32x4_s': ['fd f8', unaryVec, vec],
  'f32x4.convert_i32x4_s': ['fd fa', unaryVec, vec],
  'i32x4.relaxed_trunc_f32x4_s': ['fd 101', unaryVec, vec], // relaxed SIMD
  'f32x4.relaxed_madd': ['fd 105', ['v128', 'v128', 'v128'], vec], // relaxed SIMD
} as const satisfies Record<string, Row>;

/** Instructions with an offset; the atomic ones (prefix fe) state their alignment of 4 bytes. */
export const memoryInstructions = {
  'i32.load': ['28', ['address'], i32],
  'i64.load': ['29', ['address'], i64],
  'i32.load16_u': ['2f', ['address'], i32],
  'i32.store': ['36', ['address', 'i32'], []],
  'i64.store': ['37', ['address', 'i64'], []],
  'i32.store16': ['3b', ['address', 'i32'], []],
  'v128.load': ['fd 00', ['address'], vec],
  'v128.load16x4_u': ['fd 04', ['address'], vec],
  'v128.load32_splat': ['fd 09', ['address'], vec],
  'v128.store': ['fd 0b', ['address', 'v128'], []],
  'v128.store32_lane': ['fd 5a', ['address', 'v128'], []], // always of lane 0
  'v128.store64_lane': ['fd 5b', ['address', 'v128'], []],
  'memory.atomic.notify': ['fe 00', ['address', 'i32'], i32],
  'i32.atomic.load': ['fe 10', ['address'], i32],
  'i32.atomic.store': ['fe 17', ['address', 'i32'], []],
  'i32.atomic.rmw.add': ['fe 1e', ['address', 'i32'], i32],
} as const satisfies Record<string, Row>;

export type PlainInstruction = keyof typeof plainInstructions;
export type MemoryInstruction = keyof typeof memoryInstructions;

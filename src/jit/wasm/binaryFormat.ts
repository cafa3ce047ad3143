/** Numbers of the binary format; the core specification, "Modules". */
const MAGIC_AND_VERSION = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
const SECTION = { custom: 0, type: 1, import: 2, function: 3, export: 7, code: 10 } as const;
const EXTERNAL = { function: 0, table: 1, memory: 2 } as const;
const LIMITS = { hasMaximum: 1, isShared: 2, is64Bit: 4 } as const;
const FUNCTION_TYPE = 0x60;
const FUNCTION_REFERENCE = 0x70;
const FUNCTION_NAMES = 1;
/** A shared memory has to state a maximum of pages, and any size should fit: the format's, and V8's (16 GiB). */
const MAXIMUM_PAGES = { i32: 2 ** 16, i64: 2 ** 18 } as const;

/**
 * The function a module imports as `env.wait`: address, expected i32. Sleeping goes through JavaScript because the
 * baseline compiler of V8 11.3 (Node 20) keeps local variables in registers across `memory.atomic.wait32`, which
 * overwrites them; and an import can say what is wrong where a thread may not sleep.
 */
export const WAIT_FUNCTION = 0;
/** The function a module imports as `env.clock`: no parameters, the time as an i32. WebAssembly has no clock. */
export const CLOCK_FUNCTION = 1;
const IMPORTED_FUNCTIONS = 2;

/** The memory a module imports as `env.memory`. */
export interface MemoryImport {
  readonly isShared: boolean;
  readonly addressType: 'i32' | 'i64';
}

/** A function without results. */
interface ModuleFunction {
  /** Shown by profilers and debuggers; need not be unique. */
  readonly name: string;
  /** Index in `ModuleContents.types`. */
  readonly typeIndex: number;
  /** From `TypedCode.finish`. */
  readonly body: readonly number[];
}

export interface ModuleContents {
  readonly memory: MemoryImport;
  /** Whether the table of callable functions, `env.table`, is imported. */
  readonly importsTable: boolean;
  /** Index in `types` of the imported function WAIT_FUNCTION. */
  readonly waitTypeIndex: number;
  /** Parameters of every function type; none has results. */
  readonly types: readonly (readonly ValueType[])[];
  /** Exported under their decimal index: "0", "1", … */
  readonly functions: readonly ModuleFunction[];
}

/**
 * Writes a WebAssembly module in the binary format.
 *
 * @example
 * const bytes = writeModule({ memory, importsTable: false, waitTypeIndex: 0, types: [['i32', 'i32'], []], functions: [{ name: 'f', typeIndex: 1, body }] });
 * WebAssembly.validate(bytes); // true
 */
export function writeModule(contents: ModuleContents): Uint8Array<ArrayBuffer> {
  const { types, functions } = contents;
  const indices = functions.map((_, i) => unsignedLeb128(IMPORTED_FUNCTIONS + i));
  const exports = indices.map((index, i) => [...text(String(i)), EXTERNAL.function, ...index]);
  const bodies = functions.map(({ body }) => sized(body));
  const names = functions.map(({ name }, i) => [...indices[i]!, ...text(name)]);
  return Uint8Array.from(
    [
      MAGIC_AND_VERSION,
      section(
        SECTION.type,
        list([...types.map((params) => functionType(params)), functionType([], ['i32'])]),
      ),
      section(SECTION.import, list(imports(contents))),
      section(SECTION.function, list(functions.map(({ typeIndex }) => unsignedLeb128(typeIndex)))),
      section(SECTION.export, list(exports)),
      section(SECTION.code, list(bodies)),
      section(SECTION.custom, [...text('name'), FUNCTION_NAMES, ...sized(list(names))]),
    ].flat(),
  );
}

function functionType(params: readonly ValueType[], results: readonly ValueType[] = []): number[] {
  const codes = (types: readonly ValueType[]) => list(types.map((type) => [typeCode(type)]));
  return [FUNCTION_TYPE, ...codes(params), ...codes(results)];
}

function imports({ memory, importsTable, waitTypeIndex, types }: ModuleContents): number[][] {
  const { isShared, addressType } = memory;
  const flags =
    (isShared ? LIMITS.hasMaximum | LIMITS.isShared : 0) | (addressType === 'i64' ? LIMITS.is64Bit : 0);
  const maximum = isShared ? unsignedLeb128(MAXIMUM_PAGES[addressType]) : [];
  const memoryEntry = [...text('env'), ...text('memory'), EXTERNAL.memory, flags, 0, ...maximum];
  const tableEntry = [...text('env'), ...text('table'), EXTERNAL.table, FUNCTION_REFERENCE, 0, 0];
  const waitEntry = [...text('env'), ...text('wait'), EXTERNAL.function, ...unsignedLeb128(waitTypeIndex)];
  const clockEntry = [...text('env'), ...text('clock'), EXTERNAL.function, ...unsignedLeb128(types.length)];
  return [memoryEntry, waitEntry, clockEntry, ...(importsTable ? [tableEntry] : [])];
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...sized(content)];
}

/** Bytes after their count. */
function sized(content: readonly number[]): number[] {
  return [...unsignedLeb128(content.length), ...content];
}

/** Entries after their count. */
function list(entries: readonly (readonly number[])[]): number[] {
  return [...unsignedLeb128(entries.length), ...entries.flat()];
}

function text(value: string): number[] {
  return sized([...new TextEncoder().encode(value)]);
}

/** Types of values on the WebAssembly stack that kernels use. */
export type ValueType = 'i32' | 'i64' | 'v128';

const TYPE_CODES = { i32: 0x7f, i64: 0x7e, v128: 0x7b } as const;

/** Code of a value type in the binary format. */
export function typeCode(type: ValueType): number {
  return TYPE_CODES[type];
}

/** What an instruction takes and gives; `address` is i64 in a 64-bit memory and i32 otherwise. */
export type OperandValue = ValueType | 'address';

/** Opcode bytes in hex, the operands popped (last one on top) and the results pushed. */
type Row = readonly [opcode: string, takes: readonly OperandValue[], gives: readonly ValueType[]];

const unaryVec: readonly OperandValue[] = ['v128'];
const binaryVec: readonly OperandValue[] = ['v128', 'v128'];
const vec: readonly ValueType[] = ['v128'];
const i32: readonly ValueType[] = ['i32'];
const i64: readonly ValueType[] = ['i64'];
const i32i32: readonly OperandValue[] = ['i32', 'i32'];
const i64i64: readonly OperandValue[] = ['i64', 'i64'];

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
  'i16x8.extend_low_i8x16_u': ['fd 89', unaryVec, vec],
  'i32x4.extend_low_i16x8_u': ['fd a9', unaryVec, vec],
  'i32x4.shl': ['fd ab', ['v128', 'i32'], vec],
  'i32x4.shr_u': ['fd ad', ['v128', 'i32'], vec],
  'i32x4.add': ['fd ae', binaryVec, vec],
  'i32x4.sub': ['fd b1', binaryVec, vec],
  'i32x4.dot_i16x8_s': ['fd ba', binaryVec, vec],
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
  'i16x8.relaxed_dot_i8x16_i7x16_s': ['fd 112', binaryVec, vec], // relaxed SIMD
  'i32x4.relaxed_dot_i8x16_i7x16_add_s': ['fd 113', ['v128', 'v128', 'v128'], vec], // relaxed SIMD
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
  'v128.load8x8_u': ['fd 02', ['address'], vec],
  'v128.load16x4_u': ['fd 04', ['address'], vec],
  'v128.load32_splat': ['fd 09', ['address'], vec],
  'v128.load64_splat': ['fd 0a', ['address'], vec],
  'v128.load32_zero': ['fd 5c', ['address'], vec],
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

/** LEB128, the variable-length integers of the WebAssembly binary format: 7 bits a byte, lowest first. */
export function unsignedLeb128(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  bytes.push(rest);
  return bytes;
}

/** The signed form, for i32 and i64 constants: the top bit of the last group is the sign. */
export function signedLeb128(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest < -64 || rest > 63; rest = Math.floor(rest / 128)) bytes.push((rest & 127) | 128);
  bytes.push(rest & 127);
  return bytes;
}

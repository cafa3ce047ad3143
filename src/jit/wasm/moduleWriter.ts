import type { ValueType } from './instructionTable.js';
import { unsignedLeb128 } from './leb128.js';
import { typeCode } from './typedCode.js';

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
export interface ModuleFunction {
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

import { QwenAsrError } from '../../error.js';

/** Register files of x86-64, one name per operand width. */
export type RegisterType = 'gpr16' | 'gpr32' | 'gpr64' | 'xmm' | 'ymm' | 'zmm' | 'mask' | 'tile';

/** A register operand, with the EVEX decorations that a destination may carry. */
export interface Register<Type extends RegisterType = RegisterType> {
  readonly type: Type;
  /** Number in its file: 0–7 for masks and tiles, 0–15 for general registers, 0–31 for vectors. */
  readonly index: number;
  /** Index of the mask register that predicates the write, 1–7; 0: no predicate. */
  readonly writemask: number;
  /** Lanes with a clear mask bit become zero; otherwise they keep their old value. */
  readonly zeroing: boolean;
}

const fileSizes: Record<RegisterType, number> = {
  gpr16: 16,
  gpr32: 16,
  gpr64: 16,
  xmm: 32,
  ymm: 32,
  zmm: 32,
  mask: 8,
  tile: 8,
};

function registerFile<Type extends RegisterType>(type: Type): (index: number) => Register<Type> {
  const registers = Array.from({ length: fileSizes[type] }, (_, index): Register<Type> => {
    return { type, index, writemask: 0, zeroing: false };
  });
  return (index) => {
    const register = registers[index];
    if (register === undefined) {
      throw new QwenAsrError(
        'internal',
        `x64 register ${type}: expected an index from 0 to ${registers.length - 1}, found ${index}`,
      );
    }
    return register;
  };
}

/** 64-bit general register: 0–7 = rax rcx rdx rbx rsp rbp rsi rdi, 8–15 = r8–r15. */
export const gpr = registerFile('gpr64');
/** Low 32 bits of a general register; writing them clears the upper half. */
export const gpr32 = registerFile('gpr32');
/** Low 16 bits of a general register. */
export const gpr16 = registerFile('gpr16');
/** 128-bit vector register, 0–31 (16–31 need AVX-512VL). */
export const xmm = registerFile('xmm');
/** 256-bit vector register, 0–31 (16–31 need AVX-512VL). */
export const ymm = registerFile('ymm');
/** 512-bit vector register, 0–31. */
export const zmm = registerFile('zmm');
/** AVX-512 mask register k0–k7; k0 cannot predicate. */
export const mask = registerFile('mask');

/** AMX tile register. */
export const tmm = registerFile('tile');

export const rax = gpr(0);
export const rcx = gpr(1);
export const rbx = gpr(3);
export const rsp = gpr(4);
export const rsi = gpr(6);
export const rdi = gpr(7);

/** A position in the code, or a constant after it; made by `Assembler.label` and `Assembler.constant`. */
export interface Label {
  readonly type: 'label';
  readonly name: string;
}

/** A memory operand: `[base + index·scale + disp]`, or `[rip + label + disp]`. */
export interface MemoryOperand {
  readonly type: 'memory';
  readonly base: Register<'gpr64'> | null;
  readonly index: Register<'gpr64'> | null;
  readonly scale: 1 | 2 | 4 | 8;
  readonly disp: number;
  readonly label: Label | null;
  /** Operand width; only where no register of the instruction tells it. */
  readonly bits: number | null;
  /** N of an embedded broadcast {1toN}; 0: the whole operand is read. */
  readonly broadcast: number;
  readonly writemask: number;
  readonly zeroing: boolean;
}

/** What an instruction can take. Numbers are immediates; bigint only for 64-bit ones. */
export type Operand = Register | MemoryOperand | Label | number | bigint;

export interface MemoryOptions {
  readonly index?: Register<'gpr64'>;
  readonly scale?: 1 | 2 | 4 | 8;
  /** Bytes, signed 32 bits. */
  readonly disp?: number;
  readonly bits?: 8 | 16 | 32 | 64 | 128 | 256 | 512;
  readonly broadcast?: 2 | 4 | 8 | 16;
}

const plainMemory: MemoryOperand = {
  type: 'memory',
  base: null,
  index: null,
  scale: 1,
  disp: 0,
  label: null,
  bits: null,
  broadcast: 0,
  writemask: 0,
  zeroing: false,
};

/**
 * MemoryOperand operand `[base + index·scale + disp]`; `base` null leaves it out.
 *
 * @throws QwenAsrError `internal` where no encoding exists: rsp as index, a displacement beyond 32 bits.
 * @example
 * mem(gpr(0), { index: gpr(1), scale: 4, disp: 64, broadcast: 16 });
 */
export function mem(base: Register<'gpr64'> | null, options: MemoryOptions = {}): MemoryOperand {
  const disp = checkedDisplacement(options.disp ?? 0);
  if (options.index?.index === 4) {
    throw new QwenAsrError('internal', 'x64 memory operand: expected an index register, found rsp');
  }
  return {
    ...plainMemory,
    base,
    index: options.index ?? null,
    scale: options.scale ?? 1,
    disp,
    bits: options.bits ?? null,
    broadcast: options.broadcast ?? 0,
  };
}

/** MemoryOperand operand at `label` + disp, addressed relative to the instruction pointer. */
export function ripLabel(label: Label, options: Omit<MemoryOptions, 'index' | 'scale'> = {}): MemoryOperand {
  return {
    ...plainMemory,
    label,
    disp: checkedDisplacement(options.disp ?? 0),
    bits: options.bits ?? null,
    broadcast: options.broadcast ?? 0,
  };
}

/** `destination{k}`: lanes whose mask bit is clear keep their old value. */
export function masked<Target extends Register | MemoryOperand>(target: Target, k: Register<'mask'>): Target {
  if (k.index === 0) {
    throw new QwenAsrError('internal', 'x64 writemask: expected k1 to k7, found k0, which means no mask');
  }
  return { ...target, writemask: k.index };
}

/** `destination{k}{z}`: lanes whose mask bit is clear become zero. Registers only. */
export function zeroMasked<Target extends Register>(target: Target, k: Register<'mask'>): Target {
  return { ...masked(target, k), zeroing: true };
}

function checkedDisplacement(disp: number): number {
  if ((disp | 0) !== disp) {
    throw new QwenAsrError('internal', `x64 displacement: expected a signed 32-bit integer, found ${disp}`);
  }
  return disp;
}

/** An operand as error messages show it: `zmm1{k2}{z}`, `[r0+r1*4+64]{1to16}`, `label loop`, `-8`. */
export function operandText(operand: Operand): string {
  if (typeof operand !== 'object') return String(operand);
  if (operand.type === 'label') return `label ${operand.name}`;
  const decorations =
    (operand.writemask > 0 ? `{k${operand.writemask}}` : '') + (operand.zeroing ? '{z}' : '');
  const text = operand.type === 'memory' ? memoryText(operand) : registerText(operand);
  return text + decorations;
}

function registerText(register: Register): string {
  if (register.type.startsWith('gpr')) return `${register.type}(${register.index})`;
  const name = { mask: 'k', tile: 'tmm' }[register.type as string] ?? register.type;
  return `${name}${register.index}`;
}

function memoryText(memory: MemoryOperand): string {
  const terms: string[] = [];
  if (memory.label !== null) terms.push(`rip+${memory.label.name}`);
  if (memory.base !== null) terms.push(`r${memory.base.index}`);
  if (memory.index !== null) terms.push(`r${memory.index.index}*${memory.scale}`);
  if (memory.disp !== 0 || terms.length === 0) terms.push(String(memory.disp));
  const width = memory.bits === null ? '' : `m${memory.bits} `;
  const broadcast = memory.broadcast > 0 ? `{1to${memory.broadcast}}` : '';
  return `${width}[${terms.join('+')}]${broadcast}`;
}

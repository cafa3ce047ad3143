import { QwenAsrError } from '../../error.js';

/** General registers by width, and the low bits of a vector register as a scalar. */
export type ScalarType = 'x' | 'w' | 'q' | 'd' | 's';

/** A whole general register, a scalar, or the stack pointer. */
export interface Scalar<Type extends ScalarType = ScalarType> {
  readonly type: Type;
  /** 0–31; 31 of `x` and `w` is the register that is always zero. */
  readonly index: number;
}

/** The stack pointer, which shares number 31 with the zero register. */
export interface StackPointer {
  readonly type: 'sp';
  readonly index: 31;
}

/** How a vector register is cut into elements: how many, and b, h, s, d for 8 to 64 bits. */
export type Arrangement = '8b' | '16b' | '4h' | '8h' | '2s' | '4s' | '2d' | '4b' | 's';

/** A vector register in an arrangement, or one element of it. */
export interface Vector {
  readonly type: 'v';
  readonly index: number;
  readonly arrangement: Arrangement;
  /** Which element, or group of 4 bytes, is meant; null: all. */
  readonly element: number | null;
}

/** `[base, #offset]`, `[base, index]`, or with the base moved before (`pre`) or after (`post`) the access. */
export interface MemoryOperand {
  readonly type: 'memory';
  readonly base: Scalar<'x'> | StackPointer;
  readonly index: Scalar<'x'> | null;
  /** Bytes. */
  readonly offset: number;
  readonly mode: 'offset' | 'pre' | 'post';
}

/** A position in the code, or a constant after it; made by `Assembler.label` and `Assembler.constant`. */
export interface Label {
  readonly type: 'label';
  readonly name: string;
}

/** What an instruction can take. Numbers are immediates; strings are conditions, barriers and system registers. */
export type Operand = Scalar | StackPointer | Vector | MemoryOperand | Label | number | string;

function scalarFile<Type extends ScalarType>(type: Type): (index: number) => Scalar<Type> {
  const registers = Array.from({ length: 32 }, (_, index): Scalar<Type> => ({ type, index }));
  return (index) => registers[index] ?? outOfFile(type, index);
}

function outOfFile(type: string, index: number): never {
  throw new QwenAsrError(
    'internal',
    `arm64 register ${type}: expected an index from 0 to 31, found ${index}`,
  );
}

/** 64-bit general register, 0–30; 31 is zero. */
export const x = scalarFile('x');
/** Its low 32 bits; writing them clears the others. */
export const w = scalarFile('w');
/** All 128 bits of a vector register, in loads and stores. */
export const q = scalarFile('q');
/** Its low 64 bits. */
export const d = scalarFile('d');
/** Its low 32 bits. */
export const s = scalarFile('s');

export const XZR = x(31);
export const WZR = w(31);
export const SP: StackPointer = { type: 'sp', index: 31 };

/**
 * A vector register in an arrangement.
 *
 * @example
 * asm.emit('fmla', v(0, '4s'), v(1, '4s'), v(2, 's', 3)); // v0 += v1 · the last element of v2
 */
export function v(index: number, arrangement: Arrangement, element: number | null = null): Vector {
  if (!(index >= 0 && index < 32)) outOfFile('v', index);
  return { type: 'v', index, arrangement, element };
}

/** `[base, #offset]`; bytes. */
export function mem(base: Scalar<'x'> | StackPointer, offset = 0): MemoryOperand {
  return { type: 'memory', base, index: null, offset, mode: 'offset' };
}

/** `[base, index]`. */
export function memIndexed(base: Scalar<'x'>, index: Scalar<'x'>): MemoryOperand {
  return { type: 'memory', base, index, offset: 0, mode: 'offset' };
}

/** `[base, #offset]!`: the base is moved first. */
export function memPre(base: Scalar<'x'> | StackPointer, offset: number): MemoryOperand {
  return { type: 'memory', base, index: null, offset, mode: 'pre' };
}

/** `[base], #offset`: the base is moved afterwards. */
export function memPost(base: Scalar<'x'> | StackPointer, offset: number): MemoryOperand {
  return { type: 'memory', base, index: null, offset, mode: 'post' };
}

/** An operand as error messages show it: `v1.4s`, `v2.s[3]`, `[x0, #64]`, `label loop`, `-8`. */
export function operandText(operand: Operand): string {
  if (typeof operand !== 'object') return String(operand);
  switch (operand.type) {
    case 'label':
      return `label ${operand.name}`;
    case 'sp':
      return 'sp';
    case 'v':
      return `v${operand.index}.${operand.arrangement}${operand.element === null ? '' : `[${operand.element}]`}`;
    case 'memory':
      return memoryText(operand);
    default:
      return operand.type + operand.index;
  }
}

function memoryText({ base, index, offset, mode }: MemoryOperand): string {
  const inner = operandText(base);
  if (index !== null) return `[${inner}, ${operandText(index)}]`;
  if (mode === 'post') return `[${inner}], #${offset}`;
  return `[${inner}, #${offset}]${mode === 'pre' ? '!' : ''}`;
}

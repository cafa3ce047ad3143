import { QwenAsrError } from '../../error.js';
import type { MemoryOperand, Operand } from './operands.js';

/** Bit positions of a field, the highest first. */
export type Field = readonly number[];

/** One encodable shape of an instruction: a table row. */
export interface InstructionForm {
  readonly operands: readonly OperandPattern[];
  /** The bits that are always set. */
  readonly fixed: number;
}

/** What a table row accepts in one operand position, and where it goes. */
export type OperandPattern =
  | {
      readonly kind: 'register';
      readonly type: string;
      /** The stack pointer is register 31 here, and not zero. */
      readonly isSp: boolean;
      readonly field: Field;
    }
  | {
      readonly kind: 'vector';
      readonly arrangement: string;
      readonly field: Field;
      /** Which element; null: the whole register. */
      readonly element: Field | null;
    }
  | { readonly kind: 'immediate'; readonly immediate: ImmediatePattern }
  | {
      readonly kind: 'memory';
      readonly isSp: boolean;
      readonly base: Field;
      readonly index: Field | null;
      readonly offset: ImmediatePattern | null;
      readonly mode: MemoryOperand['mode'];
    }
  | { readonly kind: 'label'; readonly field: Field }
  | { readonly kind: 'condition'; readonly field: Field }
  | { readonly kind: 'word'; readonly text: string };

/** value = field · scale, or `from` − field; a pattern without a field is the constant `from`. */
interface ImmediatePattern {
  readonly field: Field;
  readonly scale: number;
  readonly isSigned: boolean;
  readonly from: number | null;
}

/** Conditions by their code; the lowest bit is their opposite's. */
export const CONDITIONS = 'eq ne cs cc mi pl vs vc hi ls ge lt gt le al nv'.split(' ');

/**
 * Reads a table row, `operands : bits`, with the bits as the manual of the architecture has them, from 31 to 0: 0, 1, and
 * a letter for each bit of a field. An operand names its field:
 *
 * `Xd` `Wd` `Qt` `Dt` `St` a register (`Xn/sp`: the stack pointer, too); `Vd.4s` a vector, `Vm.s[hl]` an element whose
 * number is h, then l; `#i` `#i*16` `#i:signed*8` `#32-i` `#16` an immediate; `[Xn/sp, #i*16]`, `[Xn, Xm]`,
 * `[Xn/sp, #i:signed]!`, `[Xn/sp],#i:signed` memory; `label:i` a distance in instructions; `cond:c` a condition; other
 * words stand for themselves.
 *
 * @throws QwenAsrError `internal` for a row that is not of this form
 */
export function parseInstructionForm(row: string): InstructionForm {
  const [operandTexts, bitText] = row.split(' : ');
  const bits = bitText?.replaceAll(' ', '') ?? '';
  if (operandTexts === undefined || !/^[01a-z]{32}$/.test(bits)) throw malformed(row);
  const fields = new Map<string, number[]>();
  let fixed = 0;
  [...bits].forEach((bit, i) => {
    if (bit === '1') fixed |= 1 << (31 - i);
    else if (bit !== '0') fields.set(bit, [...(fields.get(bit) ?? []), 31 - i]);
  });
  const unused = new Set(fields.keys());
  const fieldOf = (letters: string): Field =>
    [...letters].flatMap((letter) => {
      unused.delete(letter);
      return fields.get(letter) ?? missing(row, letter);
    });
  const texts = operandTexts === '' ? [] : operandTexts.split(/, (?![^[]*\])/);
  const operands = texts.map((text) => parseOperand(text, fieldOf));
  if (unused.size > 0) throw malformed(row);
  return { operands, fixed };
}

function malformed(row: string): QwenAsrError {
  return new QwenAsrError('internal', `arm64 instruction table: expected "operands : bits", found "${row}"`);
}

function missing(row: string, letter: string): never {
  throw new QwenAsrError('internal', `arm64 instruction table: expected a field ${letter}, found "${row}"`);
}

function parseOperand(text: string, fieldOf: (letters: string) => Field): OperandPattern {
  const register = /^([XWQDS])([a-z])(\/sp)?$/.exec(text);
  if (register !== null) {
    const [, type = '', letter = '', sp] = register;
    return { kind: 'register', type: type.toLowerCase(), isSp: sp !== undefined, field: fieldOf(letter) };
  }
  const vector = /^\{?V([a-z])\.(\w+)(?:\[([a-z]+)\])?\}?$/.exec(text);
  if (vector !== null) {
    const [, letter = '', arrangement = '', element] = vector;
    const which = element === undefined ? null : fieldOf(element);
    return { kind: 'vector', arrangement, field: fieldOf(letter), element: which };
  }
  const memory = /^\[X([a-z])(\/sp)?(?:, (?:X([a-z])|(#[^\]]+)))?\](!|,(#.+))?$/.exec(text);
  if (memory !== null) {
    const [, base = '', sp, index, offset, after, post] = memory;
    const amount = post ?? offset;
    return {
      kind: 'memory',
      isSp: sp !== undefined,
      base: fieldOf(base),
      index: index === undefined ? null : fieldOf(index),
      offset: amount === undefined ? null : parseImmediate(amount, fieldOf),
      mode: post !== undefined ? 'post' : after === '!' ? 'pre' : 'offset',
    };
  }
  const [, kind, letters = ''] = /^(label|cond):([a-z])$/.exec(text) ?? [];
  if (kind === 'label') return { kind, field: fieldOf(letters) };
  if (kind === 'cond') return { kind: 'condition', field: fieldOf(letters) };
  const immediate = /^(?:lsl |msl )?(#.+)$/.exec(text);
  if (immediate?.[1] !== undefined) {
    return { kind: 'immediate', immediate: parseImmediate(immediate[1], fieldOf) };
  }
  return { kind: 'word', text };
}

function parseImmediate(text: string, fieldOf: (letters: string) => Field): ImmediatePattern {
  const parts = /^#(?:(\d+)-?)?([a-z]*)(:signed)?(?:\*(\d+))?$/.exec(text);
  if (parts === null) throw new QwenAsrError('internal', `arm64 instruction table: no immediate: "${text}"`);
  const [, from, letters = '', signed, scale] = parts;
  return {
    field: fieldOf(letters),
    scale: scale === undefined ? 1 : Number(scale),
    isSigned: signed !== undefined,
    from: from === undefined ? null : Number(from),
  };
}

/** Whether the operands fit the form. */
export function matchOperands(form: InstructionForm, operands: readonly Operand[]): boolean {
  return (
    form.operands.length === operands.length &&
    form.operands.every((pattern, position) => matchOperand(pattern, operands[position]!))
  );
}

function matchOperand(pattern: OperandPattern, operand: Operand): boolean {
  if (typeof operand === 'number') {
    return pattern.kind === 'immediate' && fieldValue(pattern.immediate, operand) !== null;
  }
  if (typeof operand === 'string') {
    return pattern.kind === 'condition' ? CONDITIONS.includes(operand) : matchWord(pattern, operand);
  }
  switch (operand.type) {
    case 'label':
      return pattern.kind === 'label';
    case 'v':
      return matchVector(pattern, operand);
    case 'memory':
      return matchMemory(pattern, operand);
    default:
      return pattern.kind === 'register' && matchRegister(pattern.type, pattern.isSp, operand);
  }
}

function matchWord(pattern: OperandPattern, word: string): boolean {
  return pattern.kind === 'word' && pattern.text === word;
}

function matchRegister(type: string, isSp: boolean, operand: { type: string; index: number }): boolean {
  return operand.type === 'sp' ? isSp : operand.type === type && !(isSp && operand.index === 31);
}

function matchVector(pattern: OperandPattern, vector: Extract<Operand, { type: 'v' }>): boolean {
  if (pattern.kind !== 'vector' || pattern.arrangement !== vector.arrangement) return false;
  if (vector.element === null || pattern.element === null) return vector.element === pattern.element;
  return vector.element >= 0 && vector.element < 2 ** pattern.element.length;
}

function matchMemory(pattern: OperandPattern, memory: MemoryOperand): boolean {
  if (pattern.kind !== 'memory' || pattern.mode !== memory.mode) return false;
  if (!matchRegister('x', pattern.isSp, memory.base)) return false;
  if ((pattern.index === null) !== (memory.index === null)) return false;
  return pattern.offset === null ? memory.offset === 0 : fieldValue(pattern.offset, memory.offset) !== null;
}

/** What the field holds for a value; null where it cannot. */
export function fieldValue({ field, scale, isSigned, from }: ImmediatePattern, value: number): number | null {
  const units = from === null ? value / scale : from - value;
  const [low, high] = isSigned
    ? [-(2 ** (field.length - 1)), 2 ** (field.length - 1) - 1]
    : [0, 2 ** field.length - 1];
  return Number.isInteger(units) && units >= low && units <= high ? units : null;
}

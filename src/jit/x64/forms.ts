import { QwenAsrError } from '../../error.js';
import type { Label, MemoryOperand, Operand, Register, RegisterType } from './operands.js';

/** One encodable shape of an instruction: a table row, at one operand width. */
export interface InstructionForm {
  readonly operands: readonly OperandPattern[];
  readonly prefix: 'legacy' | 'vex' | 'evex';
  readonly lock: boolean;
  /** Mandatory prefix as VEX numbers it: 0 none, 1 = 66, 2 = F3, 3 = F2. */
  readonly pp: number;
  /** Opcode map: 0 one byte, 1 = 0F, 2 = 0F38, 3 = 0F3A. */
  readonly map: number;
  readonly w: number;
  /** L'L of VEX and EVEX: 0 = 128 bits (and scalars), 1 = 256, 2 = 512. */
  readonly vectorLength: number;
  readonly opcode: number;
  /** The low three opcode bits hold a register. */
  readonly opcodeRegister: boolean;
  /** Whether a ModRM byte follows, and its fixed reg field (null: a register). */
  readonly hasModRm: boolean;
  readonly extension: number | null;
  /** Fixed bytes after the opcode. */
  readonly tail: readonly number[];
  readonly immediateBytes: number;
  readonly roles: OperandRoles;
}

/** Which operand (by position, -1: none) goes into which field. */
interface OperandRoles {
  readonly reg: number;
  readonly rm: number;
  readonly vvvv: number;
  /** Fourth register, in bits 7–4 of the immediate byte. */
  readonly is4: number;
  readonly immediate: number;
}

const mandatoryPrefixes = ['', '66', 'F3', 'F2'];
const opcodeMaps = ['', '0F', '0F38', '0F3A'];
const immediateSizes: Record<string, number> = { ib: 1, id: 4, iq: 8, rel8: 1, rel32: 4, '/is4': 1 };

/**
 * Reads a table row, `operands : encoding`, in the notation of the processor manuals. `VEX.66.0F38.W0 B8 /r` without
 * a length stands for every length that the prefix has; `r` and `mr` stand for 32 and 64 bits (REX.W).
 *
 * @throws QwenAsrError `internal` for a row that is not of this form.
 */
export function parseInstructionForms(row: string): InstructionForm[] {
  const [operandText, encodingText] = row.split(' : ');
  if (operandText === undefined || encodingText === undefined) throw malformed(row);
  const operands = operandText === '' ? [] : operandText.split(', ');
  const tokens = encodingText.split(' ');
  const first = tokens[0] ?? '';
  if (first.startsWith('VEX.') || first.startsWith('EVEX.')) return vectorForms(row, operands, tokens);
  const generic = operands.some((operand) => /^(r|mr)\b(?!\d)/.test(operand) || operand.includes('/mr'));
  return (generic ? [32, 64] : [0]).map((width) => legacyForm(row, operands, tokens, width));
}

function vectorForms(row: string, operands: string[], tokens: string[]): InstructionForm[] {
  const fields = (tokens[0] ?? '').split('.');
  const prefix = fields.shift() === 'VEX' ? 'vex' : 'evex';
  const explicit = ['128', '256', '512', 'LIG'].includes(fields[0] ?? '') ? fields.shift() : undefined;
  const pp = mandatoryPrefixes.includes(fields[0] ?? '') ? fields.shift() : '';
  const map = opcodeMaps.indexOf(fields.shift() ?? '?');
  const w = ['W0', 'W1'].indexOf(fields.shift() ?? '');
  if (map < 1 || w < 0 || fields.length > 0) throw malformed(row);
  const lengths = vectorLengths(prefix, explicit);
  return lengths.map((bits) => ({
    ...finishForm(row, operands, tokens.slice(1), bits),
    prefix,
    lock: false,
    pp: mandatoryPrefixes.indexOf(pp ?? ''),
    map,
    w,
    vectorLength: bits >> 8, // 128, 256, 512 → 0, 1, 2
  }));
}

function legacyForm(row: string, operands: string[], tokens: string[], width: number): InstructionForm {
  const rest = [...tokens];
  const take = (...words: string[]): string => (words.includes(rest[0] ?? '') ? (rest.shift() ?? '') : '');
  const lock = take('F0') !== '';
  const pp = mandatoryPrefixes.indexOf(take('66', 'F3', 'F2'));
  const w = take('REX.W') !== '' || width === 64 ? 1 : 0;
  const escapeByte = take('0F');
  const map = escapeByte === '' ? 0 : opcodeMaps.indexOf(escapeByte + take('38', '3A'));
  return { ...finishForm(row, operands, rest, width), prefix: 'legacy', lock, pp, map, w, vectorLength: 0 };
}

/** Opcode, ModRM and immediate, which all prefixes share: `58 /r`, `72 /6 ib`, `50+r`, `01 D0`. */
function finishForm(row: string, operandTexts: string[], tokens: string[], width: number) {
  const opcode = /^([0-9A-F]{2})(\+r)?$/.exec(tokens[0] ?? '');
  if (opcode === null) throw malformed(row);
  let hasModRm = false;
  let extension: number | null = null;
  let immediateBytes = 0;
  const tail: number[] = [];
  for (const token of tokens.slice(1)) {
    if (token in immediateSizes) immediateBytes = immediateSizes[token] ?? 0;
    else if (token in tileRoles) hasModRm = true;
    else if (/^[0-9A-F]{2}$/.test(token)) tail.push(Number.parseInt(token, 16));
    else if (/^\/[r0-7]$/.test(token)) {
      hasModRm = true;
      extension = token === '/r' ? null : Number(token.slice(1));
    } else throw malformed(row);
  }
  const operands = operandTexts.map((text) => parseOperandPattern(text, width));
  return {
    operands,
    opcode: Number.parseInt(opcode[1] ?? '', 16),
    opcodeRegister: opcode[2] !== undefined,
    hasModRm,
    extension,
    tail,
    immediateBytes,
    roles: tileRoles[tokens[1] ?? ''] ?? operandRoles(operands, extension !== null, tokens.includes('/is4')),
  };
}

/** Fields of instructions whose operands are all tiles: their manual spells ModRM out. */
const tileRoles: Readonly<Record<string, OperandRoles>> = {
  '11:rrr:bbb': { reg: 0, rm: 1, vvvv: 2, is4: -1, immediate: -1 },
  '11:rrr:000': { reg: 0, rm: -1, vvvv: -1, is4: -1, immediate: -1 },
};

/**
 * Fields of the operands, which their order decides: memory can only be rm, and so is the last register where there
 * is no memory alternative; of the others the first is reg and the second vvvv, but after a memory destination, or
 * where reg holds an opcode extension, vvvv comes first.
 */
function operandRoles(
  operands: readonly OperandPattern[],
  hasExtension: boolean,
  hasIs4: boolean,
): OperandRoles {
  const registers = operands.flatMap((operand, position) =>
    operand.register !== null || operand.memoryBits !== null ? [position] : [],
  );
  const is4 = hasIs4 ? (registers.pop() ?? -1) : -1;
  const memory = registers.find((position) => operands[position]?.memoryBits !== null);
  const rm = memory ?? registers.at(-1) ?? -1;
  const others = registers.filter((position) => position !== rm);
  if (hasExtension) others.unshift(-1);
  else if (rm === 0 && others.length === 2) others.reverse();
  const immediate = operands.findIndex((operand) => operand.immediate !== null || operand.relativeBits > 0);
  return { reg: others[0] ?? -1, rm, vvvv: others[1] ?? -1, is4, immediate };
}

function malformed(row: string): QwenAsrError {
  return new QwenAsrError(
    'internal',
    `x64 instruction table: expected "operands : encoding", found "${row}"`,
  );
}

/** Ranges that an immediate may have: signed or unsigned, and its bits. */
export type ImmediateType = 'imm8' | 'uimm8' | 'imm32' | 'uimm32' | 'imm64';

/** What a table row accepts in one operand position. */
export interface OperandPattern {
  readonly register: RegisterType | null;
  /** Width of a memory operand; 0: any, null: no memory. */
  readonly memoryBits: number | null;
  /** No register tells the memory width, so the operand must (`mem(base, { bits })`). */
  readonly statedBits: boolean;
  /** Memory is addressed by way of an index register. */
  readonly needsIndex: boolean;
  /** Element width of an embedded broadcast; 0: none. */
  readonly broadcastBits: number;
  readonly maskable: boolean;
  readonly zeroable: boolean;
  readonly immediate: ImmediateType | null;
  /** Width of a jump distance; 0: no label. */
  readonly relativeBits: number;
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

const fixedRegisters: Record<string, RegisterType> = {
  r16: 'gpr16',
  r32: 'gpr32',
  r64: 'gpr64',
  x: 'xmm',
  y: 'ymm',
  z: 'zmm',
  k: 'mask',
  t: 'tile',
};

const immediates: readonly ImmediateType[] = ['imm8', 'uimm8', 'imm32', 'uimm32', 'imm64'];

/**
 * Reads one operand of a table row: alternatives between slashes, then `!` where a memory operand has to state its
 * width, then `{k}` or `{kz}` where a mask may follow. `width` is what the generic names stand for:
 * r, mr: a general register or memory of that width; v, mv: a vector or memory of it; h, mh: half of it; q, mq: a
 * quarter (registers never below xmm). Fixed names are r16–r64, x, y, z, k, t, m8–m512, mem (any width), sib (the same with
 * an index), b32 and b64 (broadcast elements), rel8, rel32 and the immediates.
 */
function parseOperandPattern(text: string, width: number): OperandPattern {
  const [, alternatives = '', stated, decoration] = /^([a-z0-9/]+)(!)?(\{kz?\})?$/.exec(text) ?? [];
  const pattern: Mutable<OperandPattern> = {
    register: null,
    memoryBits: null,
    statedBits: stated !== undefined,
    needsIndex: alternatives === 'sib',
    broadcastBits: 0,
    maskable: decoration !== undefined,
    zeroable: decoration === '{kz}',
    immediate: null,
    relativeBits: 0,
  };
  for (const name of alternatives.split('/')) addAlternative(pattern, name, width);
  return pattern;
}

function addAlternative(pattern: Mutable<OperandPattern>, name: string, width: number): void {
  const numbered = /^(m|b|rel)(\d+)$/.exec(name);
  const immediate = immediates.find((candidate) => candidate === name);
  const register = fixedRegisters[name] ?? genericRegister(name, width);
  if (register !== undefined) pattern.register = register;
  else if (immediate !== undefined) pattern.immediate = immediate;
  else if (numbered?.[1] === 'm') pattern.memoryBits = Number(numbered[2]);
  else if (numbered?.[1] === 'b') pattern.broadcastBits = Number(numbered[2]);
  else if (numbered?.[1] === 'rel') pattern.relativeBits = Number(numbered[2]);
  else if (name === 'mem' || name === 'sib') pattern.memoryBits = 0;
  else if (name === 'mr' || name === 'mv') pattern.memoryBits = width;
  else if (name === 'mh') pattern.memoryBits = width / 2;
  else if (name === 'mq') pattern.memoryBits = width / 4;
  else throw new QwenAsrError('internal', `x64 instruction table: expected an operand name, found "${name}"`);
}

function genericRegister(name: string, width: number): RegisterType | undefined {
  if (name === 'r') return width === 64 ? 'gpr64' : 'gpr32';
  const divisor = { v: 1, h: 2, q: 4 }[name];
  return divisor === undefined ? undefined : vectorRegister(width / divisor);
}

function vectorRegister(bits: number): RegisterType {
  if (bits === 512) return 'zmm';
  return bits === 256 ? 'ymm' : 'xmm';
}

/** Vector lengths in bits that a VEX or EVEX row stands for; scalars (LIG) are encoded as 128. */
function vectorLengths(prefix: 'vex' | 'evex', explicit: string | undefined): number[] {
  if (explicit === 'LIG') return [128];
  if (explicit !== undefined) return [Number(explicit)];
  return prefix === 'vex' ? [128, 256] : [128, 256, 512];
}

const immediateRanges: Record<Exclude<ImmediateType, 'imm64'>, readonly [number, number]> = {
  imm8: [-0x80, 0x7f],
  uimm8: [0, 0xff],
  imm32: [-0x8000_0000, 0x7fff_ffff],
  uimm32: [-0x8000_0000, 0xffff_ffff],
};

/** Whether the operands fit the form. `isNear` tells whether a label is in reach of a one-byte distance. */
export function matchOperands(
  form: InstructionForm,
  operands: readonly Operand[],
  isNear: (label: Label) => boolean,
): boolean {
  if (form.operands.length !== operands.length) return false;
  return form.operands.every((pattern, position) => {
    const operand = operands[position];
    return operand !== undefined && matchOperand(form, pattern, operand, isNear);
  });
}

function matchOperand(
  form: InstructionForm,
  pattern: OperandPattern,
  operand: Operand,
  isNear: (label: Label) => boolean,
): boolean {
  if (typeof operand !== 'object') return matchImmediate(pattern, operand);
  if (operand.type === 'label') {
    return pattern.relativeBits === 32 || (pattern.relativeBits === 8 && isNear(operand));
  }
  if (operand.writemask > 0 && !pattern.maskable) return false;
  if (operand.type === 'memory') return matchMemory(pattern, operand);
  return matchRegister(form, pattern, operand);
}

function matchRegister(form: InstructionForm, pattern: OperandPattern, register: Register): boolean {
  if (pattern.register !== register.type) return false;
  // Only EVEX reaches the upper sixteen vector registers.
  return (register.index < 16 || form.prefix === 'evex') && (!register.zeroing || pattern.zeroable);
}

function matchMemory(pattern: OperandPattern, memory: MemoryOperand): boolean {
  const { memoryBits, broadcastBits, needsIndex } = pattern;
  if (memoryBits === null || memory.zeroing || (needsIndex && memory.index === null)) return false;
  if (memory.broadcast > 0) {
    return broadcastBits > 0 && memory.broadcast === memoryBits / broadcastBits;
  }
  if (memory.bits === null) return !pattern.statedBits;
  return memory.bits === memoryBits || memoryBits === 0;
}

function matchImmediate(pattern: OperandPattern, value: number | bigint): boolean {
  const type = pattern.immediate;
  if (type === null) return false;
  if (type === 'imm64') return fitsInt64(value);
  const [low, high] = immediateRanges[type];
  return typeof value === 'number' && Number.isInteger(value) && value >= low && value <= high;
}

/** 64 bits, signed or unsigned; a number only where it is exact. */
function fitsInt64(value: number | bigint): boolean {
  if (typeof value === 'number') return Number.isSafeInteger(value);
  return value >= -(2n ** 63n) && value < 2n ** 64n;
}

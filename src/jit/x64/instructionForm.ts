import { QwenAsrError } from '../../error.js';
import { type OperandPattern, parseOperandPattern, vectorLengths } from './operandPattern.js';

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
export interface OperandRoles {
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
    roles: operandRoles(operands, extension !== null, tokens.includes('/is4')),
  };
}

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

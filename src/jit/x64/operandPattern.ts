import { QwenAsrError } from '../../error.js';
import type { RegisterType } from './registers.js';

/** Ranges that an immediate may have: signed or unsigned, and its bits. */
export type ImmediateType = 'imm8' | 'uimm8' | 'imm32' | 'uimm32' | 'imm64';

/** What a table row accepts in one operand position. */
export interface OperandPattern {
  readonly register: RegisterType | null;
  /** Width of a memory operand; 0: any, null: no memory. */
  readonly memoryBits: number | null;
  /** No register tells the memory width, so the operand must (`mem(base, { bits })`). */
  readonly statedBits: boolean;
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
  r8: 'gpr8',
  r16: 'gpr16',
  r32: 'gpr32',
  r64: 'gpr64',
  x: 'xmm',
  y: 'ymm',
  z: 'zmm',
  k: 'mask',
};

const immediates: readonly ImmediateType[] = ['imm8', 'uimm8', 'imm32', 'uimm32', 'imm64'];

/**
 * Reads one operand of a table row: alternatives between slashes, then `!` where a memory operand has to state its
 * width, then `{k}` or `{kz}` where a mask may follow. `width` is what the generic names stand for:
 * r, mr: a general register or memory of that width; v, mv: a vector or memory of it; h, mh: half of it; q, mq: a
 * quarter (registers never below xmm). Fixed names are r8–r64, x, y, z, k, m8–m512, mem (any width), b32 and b64
 * (broadcast elements), rel8, rel32 and the immediates.
 */
export function parseOperandPattern(text: string, width: number): OperandPattern {
  const [, alternatives = '', stated, decoration] = /^([a-z0-9/]+)(!)?(\{kz?\})?$/.exec(text) ?? [];
  const pattern: Mutable<OperandPattern> = {
    register: null,
    memoryBits: null,
    statedBits: stated !== undefined,
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
  else if (name === 'mem') pattern.memoryBits = 0;
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
export function vectorLengths(prefix: 'vex' | 'evex', explicit: string | undefined): number[] {
  if (explicit === 'LIG') return [128];
  if (explicit !== undefined) return [Number(explicit)];
  return prefix === 'vex' ? [128, 256] : [128, 256, 512];
}

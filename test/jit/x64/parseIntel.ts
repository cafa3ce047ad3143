import {
  gpr,
  gpr16,
  gpr32,
  type MemoryOperand,
  type MemoryOptions,
  mask,
  masked,
  mem,
  type Operand,
  type Register,
  tmm,
  xmm,
  ymm,
  zeroMasked,
  zmm,
} from '../../../src/jit/x64/operands.js';
import type { Mnemonic } from '../../../src/jit/x64/table.js';

/** Operands of the instruction texts in encodings.txt, for the assembler under test. */
export interface ParsedInstruction {
  readonly mnemonic: Mnemonic;
  readonly operands: readonly Operand[];
}

const registers = new Map<string, Register>();
const lowNames = ['ax', 'cx', 'dx', 'bx', 'sp', 'bp', 'si', 'di'];
for (const [i, name] of lowNames.entries()) {
  registers.set(`r${name}`, gpr(i)).set(`e${name}`, gpr32(i)).set(name, gpr16(i));
}
for (let i = 8; i < 16; i++) {
  registers.set(`r${i}`, gpr(i)).set(`r${i}d`, gpr32(i)).set(`r${i}w`, gpr16(i));
}
for (let i = 0; i < 32; i++) {
  registers.set(`xmm${i}`, xmm(i)).set(`ymm${i}`, ymm(i)).set(`zmm${i}`, zmm(i));
  if (i < 8) registers.set(`k${i}`, mask(i)).set(`tmm${i}`, tmm(i));
}

const widths: Record<string, 8 | 16 | 32 | 64 | 128 | 256 | 512> = {
  BYTE: 8,
  WORD: 16,
  DWORD: 32,
  QWORD: 64,
  XMMWORD: 128,
  YMMWORD: 256,
  ZMMWORD: 512,
};

/** Reads `mnemonic operand,operand` in Intel syntax, as far as encodings.txt uses it. */
export function parseIntel(text: string): ParsedInstruction {
  const [, mnemonic = '', rest = ''] = /^((?:lock |\{vex\} )?\S+) ?(.*)$/.exec(text) ?? [];
  return { mnemonic: mnemonic as Mnemonic, operands: rest === '' ? [] : rest.split(',').map(parseOperand) };
}

function parseOperand(text: string): Operand {
  if (/^-?(0x)?[0-9a-f]+$/.test(text)) return parseImmediate(text);
  const [, bare = '', k, zeroing] = /^(.*?)(?:\{(k\d)\})?(\{z\})?$/.exec(text) ?? [];
  const target = registers.get(bare) ?? parseMemory(bare);
  if (k === undefined) return target;
  const predicate = mask(Number(k.slice(1)));
  return zeroing !== undefined && target.type !== 'memory'
    ? zeroMasked(target, predicate)
    : masked(target, predicate);
}

function parseImmediate(text: string): number | bigint {
  const value = text.startsWith('-') ? -BigInt(text.slice(1)) : BigInt(text);
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

function parseMemory(text: string): MemoryOperand {
  const parts = /^(?:([A-Z]+) (PTR|BCST) )?\[([^\]]*)\](?:\{1to(\d+)\})?$/.exec(text);
  if (parts === null) throw new Error(`expected an operand, found "${text}"`);
  const [, word = '', , address = '', count] = parts;
  let base: Register<'gpr64'> | null = null;
  let options: MemoryOptions = {};
  for (const term of address.replace(/-/g, '+-').split('+')) {
    const scaled = /^(\w+)\*([1248])$/.exec(term);
    const name = scaled?.[1] ?? term;
    const register = registers.get(name);
    if (scaled !== null && register !== undefined) {
      options = { ...options, index: gpr(register.index), scale: Number(scaled[2]) as 1 | 2 | 4 | 8 };
    } else if (register !== undefined) base = gpr(register.index);
    else options = { ...options, disp: Number(parseImmediate(term)) };
  }
  const bits = widths[word];
  if (count !== undefined) options = { ...options, broadcast: Number(count) as 2 | 4 | 8 | 16 };
  else if (bits !== undefined) options = { ...options, bits };
  return mem(base, options);
}

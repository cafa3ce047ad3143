import type { InstructionForm } from './forms.js';
import type { Label, MemoryOperand, Operand } from './operands.js';

/** A distance that is known once its label is bound: target + addend − end of the instruction. */
export interface Fixup {
  readonly label: Label;
  readonly addend: number;
  /** Offset of the distance in the code, and its size: 1 or 4 bytes. */
  readonly offset: number;
  readonly bytes: number;
  /** Offset just after the instruction, from which the processor counts. */
  readonly end: number;
}

const prefixWriters = { legacy: writeLegacyPrefix, vex: writeVexPrefix, evex: writeEvexPrefix };

/** Appends the bytes of an instruction whose operands match `form`; returns the distance to fill in later, if any. */
export function encodeInstruction(
  form: InstructionForm,
  operands: readonly Operand[],
  buffer: CodeBuffer,
): Fixup | null {
  const fields = encodingFields(form, operands);
  prefixWriters[form.prefix](buffer, form, fields);
  buffer.byte(form.opcode | (form.opcodeRegister ? fields.rm & 7 : 0));
  let pending: Omit<Fixup, 'end'> | null = null;
  const { memory } = fields;
  if (form.hasModRm && memory?.label != null) {
    writeRipModRm(buffer, fields.reg);
    pending = { label: memory.label, addend: memory.disp, offset: buffer.length, bytes: 4 };
    buffer.int32(0);
  } else if (form.hasModRm && memory !== null) {
    writeMemoryModRm(buffer, fields.reg, memory, disp8Scale(form, memory));
  } else if (form.hasModRm) {
    writeRegisterModRm(buffer, fields.reg, fields.rm);
  }
  for (const byte of form.tail) buffer.byte(byte);
  const immediate = operands[form.roles.immediate];
  if (typeof immediate === 'object' && immediate.type === 'label') {
    pending = { label: immediate, addend: 0, offset: buffer.length, bytes: form.immediateBytes };
  }
  writeImmediate(buffer, form, operands);
  return pending === null ? null : { ...pending, end: buffer.length };
}

/**
 * N of disp8·N: the bytes of memory that the instruction touches. The manual's tuple types all come to that (not for
 * compress, expand and gather, which the table leaves out).
 */
function disp8Scale(form: InstructionForm, memory: MemoryOperand): number {
  const pattern = form.operands[form.roles.rm];
  if (form.prefix !== 'evex' || pattern === undefined) return 1;
  return (memory.broadcast > 0 ? pattern.broadcastBits : (pattern.memoryBits ?? 8)) / 8;
}

function writeImmediate(buffer: CodeBuffer, form: InstructionForm, operands: readonly Operand[]): void {
  const { is4, immediate } = form.roles;
  const operand = operands[immediate];
  const value = typeof operand === 'number' || typeof operand === 'bigint' ? operand : 0;
  if (is4 >= 0) buffer.byte(registerIndex(operands[is4]) << 4);
  else if (form.immediateBytes === 1) buffer.byte(Number(value));
  else if (form.immediateBytes === 4) buffer.int32(Number(value));
  else if (form.immediateBytes === 8) buffer.int64(BigInt(value));
}

/** Register numbers and decorations of one instruction, ready for the prefix writers. */
interface EncodingFields {
  /** Register or opcode extension of ModRM.reg, 0–31. */
  readonly reg: number;
  /** Register of ModRM.rm, 0–31; unused beside `memory`. */
  readonly rm: number;
  readonly memory: MemoryOperand | null;
  /** Register of the vvvv field, 0–31; 0 where there is none. */
  readonly vvvv: number;
  readonly writemask: number;
  readonly zeroing: boolean;
}

/** Sorts matched operands into the fields that their form gives them. */
function encodingFields(form: InstructionForm, operands: readonly Operand[]): EncodingFields {
  const { roles } = form;
  const rm = operands[roles.rm];
  const destination = operands[0];
  const decorated = typeof destination === 'object' && destination.type !== 'label' ? destination : null;
  return {
    reg: form.extension ?? registerIndex(operands[roles.reg]),
    rm: registerIndex(rm),
    memory: typeof rm === 'object' && rm.type === 'memory' ? rm : null,
    vvvv: registerIndex(operands[roles.vvvv]),
    writemask: decorated?.writemask ?? 0,
    zeroing: decorated?.zeroing ?? false,
  };
}

/** Number of a register operand; 0 for anything else. */
function registerIndex(operand: Operand | undefined): number {
  return typeof operand === 'object' && operand.type !== 'label' && operand.type !== 'memory'
    ? operand.index
    : 0;
}

const lockPrefix = 0xf0;
const mandatoryPrefixBytes = [0, 0x66, 0xf3, 0xf2];

/** Writes lock, 66/F3/F2, REX (0100WRXB) where needed, and the opcode escape of the form's map. */
function writeLegacyPrefix(buffer: CodeBuffer, form: InstructionForm, fields: EncodingFields): void {
  if (form.lock) buffer.byte(lockPrefix);
  if (form.pp > 0) buffer.byte(mandatoryPrefixBytes[form.pp] ?? 0);
  const { memory } = fields;
  const b = memory === null ? fields.rm >> 3 : (memory.base?.index ?? 0) >> 3;
  const x = (memory?.index?.index ?? 0) >> 3;
  const rex = (form.w << 3) | ((fields.reg >> 3) << 2) | (x << 1) | b;
  if (rex > 0) buffer.byte(0x40 | rex);
  if (form.map > 0) buffer.byte(0x0f);
  if (form.map === 2) buffer.byte(0x38);
  if (form.map === 3) buffer.byte(0x3a);
}

/** Writes the two-byte VEX prefix where it suffices (map 0F, W0, no X or B), else the three-byte one. */
function writeVexPrefix(buffer: CodeBuffer, form: InstructionForm, fields: EncodingFields): void {
  const { memory } = fields;
  const b = memory === null ? fields.rm >> 3 : (memory.base?.index ?? 0) >> 3;
  const x = (memory?.index?.index ?? 0) >> 3;
  const r = fields.reg >> 3;
  // R, X, B and vvvv are stored inverted.
  const low = ((~fields.vvvv & 15) << 3) | (form.vectorLength << 2) | form.pp;
  if (x === 0 && b === 0 && form.w === 0 && form.map === 1) {
    buffer.byte(0xc5);
    buffer.byte(((r ^ 1) << 7) | low);
    return;
  }
  buffer.byte(0xc4);
  buffer.byte(((r ^ 1) << 7) | ((x ^ 1) << 6) | ((b ^ 1) << 5) | form.map);
  buffer.byte((form.w << 7) | low);
}

/**
 * Writes the four-byte EVEX prefix: 62, R̅X̅B̅R̅'0mmm, Wv̅v̅v̅v̅1pp, zL'LbV̅'aaa. A vector register in ModRM.rm has its fifth
 * bit in X, since it needs no index register.
 */
function writeEvexPrefix(buffer: CodeBuffer, form: InstructionForm, fields: EncodingFields): void {
  const { memory, reg, rm, vvvv } = fields;
  const b = memory === null ? (rm >> 3) & 1 : (memory.base?.index ?? 0) >> 3;
  const x = memory === null ? rm >> 4 : (memory.index?.index ?? 0) >> 3;
  const broadcast = memory !== null && memory.broadcast > 0 ? 1 : 0;
  const extensions = (((reg >> 3) & 1) << 7) | (x << 6) | (b << 5) | ((reg >> 4) << 4);
  buffer.byte(0x62);
  buffer.byte((extensions ^ 0xf0) | form.map);
  buffer.byte((form.w << 7) | ((~vvvv & 15) << 3) | 4 | form.pp);
  buffer.byte(
    ((fields.zeroing ? 1 : 0) << 7) |
      (form.vectorLength << 5) |
      (broadcast << 4) |
      (((vvvv >> 4) ^ 1) << 3) |
      fields.writemask,
  );
}

/** ModRM with both fields registers. */
function writeRegisterModRm(buffer: CodeBuffer, reg: number, rm: number): void {
  buffer.byte(0xc0 | ((reg & 7) << 3) | (rm & 7));
}

/**
 * ModRM, SIB and displacement of a memory operand without a label. `disp8Scale` is N of EVEX's disp8·N (1 elsewhere):
 * a displacement that is a multiple of N and fits a signed byte after division takes one byte.
 */
function writeMemoryModRm(buffer: CodeBuffer, reg: number, memory: MemoryOperand, disp8Scale: number): void {
  const regField = (reg & 7) << 3;
  const base = memory.base === null ? null : memory.base.index & 7;
  const mode = base === null ? 0 : displacementMode(base, memory.disp, disp8Scale);
  // rm = 100 announces a SIB byte, so rsp and r12 as base need one too.
  const needsSib = memory.index !== null || base === null || base === 4;
  buffer.byte((mode << 6) | regField | (needsSib ? 4 : base));
  if (needsSib) {
    const index = memory.index === null ? 4 : memory.index.index & 7;
    buffer.byte((Math.log2(memory.scale) << 6) | (index << 3) | (base ?? 5));
  }
  if (mode === 1) buffer.byte(memory.disp / disp8Scale);
  else if (mode === 2 || base === null) buffer.int32(memory.disp);
}

/** ModRM for [rip + disp32]; the caller writes the distance. */
function writeRipModRm(buffer: CodeBuffer, reg: number): void {
  buffer.byte(((reg & 7) << 3) | 5);
}

/** ModRM.mod: 0 no displacement (impossible for rbp and r13), 1 one byte, 2 four bytes. */
function displacementMode(base: number, disp: number, disp8Scale: number): number {
  if (disp === 0 && base !== 5) return 0;
  const scaled = disp / disp8Scale;
  return Number.isInteger(scaled) && scaled >= -128 && scaled <= 127 ? 1 : 2;
}

/** A growing run of machine-code bytes, little-endian. */
export class CodeBuffer {
  #bytes = new Uint8Array(4096);
  #length = 0;

  /** Bytes written so far: the offset of the next one. */
  get length(): number {
    return this.#length;
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  int32(value: number): void {
    this.#reserve(4);
    this.patchInt32(this.#length, value);
    this.#length += 4;
  }

  int64(value: bigint): void {
    this.int32(Number(BigInt.asIntN(32, value)));
    this.int32(Number(BigInt.asIntN(32, value >> 32n)));
  }

  append(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  patchByte(offset: number, value: number): void {
    this.#bytes[offset] = value;
  }

  patchInt32(offset: number, value: number): void {
    for (let i = 0; i < 4; i++) this.#bytes[offset + i] = value >> (8 * i);
  }

  /** A copy of what was written. */
  toBytes(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + count));
    grown.set(this.#bytes);
    this.#bytes = grown;
  }
}

import type { CodeBuffer } from './codeBuffer.js';
import { encodingFields, registerIndex } from './encodingFields.js';
import { writeEvexPrefix } from './evexPrefix.js';
import type { InstructionForm } from './instructionForm.js';
import { writeLegacyPrefix } from './legacyPrefix.js';
import { writeMemoryModRm, writeRegisterModRm, writeRipModRm } from './modRm.js';
import type { Label, Memory, Operand } from './operands.js';
import { writeVexPrefix } from './vexPrefix.js';

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
function disp8Scale(form: InstructionForm, memory: Memory): number {
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

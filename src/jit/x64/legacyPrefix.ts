import type { CodeBuffer } from './codeBuffer.js';
import type { EncodingFields } from './encodingFields.js';
import type { InstructionForm } from './instructionForm.js';

const lockPrefix = 0xf0;
const mandatoryPrefixBytes = [0, 0x66, 0xf3, 0xf2];

/** Writes lock, 66/F3/F2, REX (0100WRXB) where needed, and the opcode escape of the form's map. */
export function writeLegacyPrefix(buffer: CodeBuffer, form: InstructionForm, fields: EncodingFields): void {
  if (form.lock) buffer.byte(lockPrefix);
  if (form.pp > 0) buffer.byte(mandatoryPrefixBytes[form.pp] ?? 0);
  const { memory } = fields;
  const b = memory === null ? fields.rm >> 3 : (memory.base?.index ?? 0) >> 3;
  const x = (memory?.index?.index ?? 0) >> 3;
  const rex = (form.w << 3) | ((fields.reg >> 3) << 2) | (x << 1) | b;
  if (rex > 0 || fields.needsRex) buffer.byte(0x40 | rex);
  if (form.map > 0) buffer.byte(0x0f);
  if (form.map === 2) buffer.byte(0x38);
  if (form.map === 3) buffer.byte(0x3a);
}

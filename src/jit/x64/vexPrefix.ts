import type { CodeBuffer } from './codeBuffer.js';
import type { EncodingFields } from './encodingFields.js';
import type { InstructionForm } from './instructionForm.js';

/** Writes the two-byte VEX prefix where it suffices (map 0F, W0, no X or B), else the three-byte one. */
export function writeVexPrefix(buffer: CodeBuffer, form: InstructionForm, fields: EncodingFields): void {
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

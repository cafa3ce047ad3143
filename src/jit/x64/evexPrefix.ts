import type { CodeBuffer } from './codeBuffer.js';
import type { EncodingFields } from './encodingFields.js';
import type { InstructionForm } from './instructionForm.js';

/**
 * Writes the four-byte EVEX prefix: 62, R̅X̅B̅R̅'0mmm, Wv̅v̅v̅v̅1pp, zL'LbV̅'aaa. A vector register in ModRM.rm has its fifth
 * bit in X, since it needs no index register.
 */
export function writeEvexPrefix(buffer: CodeBuffer, form: InstructionForm, fields: EncodingFields): void {
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

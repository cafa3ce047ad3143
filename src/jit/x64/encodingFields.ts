import type { InstructionForm } from './instructionForm.js';
import type { Memory, Operand } from './operands.js';

/** Register numbers and decorations of one instruction, ready for the prefix writers. */
export interface EncodingFields {
  /** Register or opcode extension of ModRM.reg, 0–31. */
  readonly reg: number;
  /** Register of ModRM.rm, 0–31; unused beside `memory`. */
  readonly rm: number;
  readonly memory: Memory | null;
  /** Register of the vvvv field, 0–31; 0 where there is none. */
  readonly vvvv: number;
  readonly writemask: number;
  readonly zeroing: boolean;
  /** spl, bpl, sil and dil exist only behind a REX prefix. */
  readonly needsRex: boolean;
}

/** Sorts matched operands into the fields that their form gives them. */
export function encodingFields(form: InstructionForm, operands: readonly Operand[]): EncodingFields {
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
    needsRex: form.prefix === 'legacy' && operands.some(isUniformByteRegister),
  };
}

/** Number of a register operand; 0 for anything else. */
export function registerIndex(operand: Operand | undefined): number {
  return typeof operand === 'object' && operand.type !== 'label' && operand.type !== 'memory'
    ? operand.index
    : 0;
}

function isUniformByteRegister(operand: Operand): boolean {
  return typeof operand === 'object' && operand.type === 'gpr8' && operand.index >= 4 && operand.index < 8;
}

import { CONDITIONS, type Field, fieldValue, type InstructionForm, type OperandPattern } from './forms.js';
import type { Label, Operand } from './operands.js';

/** A distance, in instructions from this one, that is known once its label is bound. */
export interface Fixup {
  readonly label: Label;
  /** Offset of the instruction in the code. */
  readonly offset: number;
  readonly field: Field;
}

/** The 32 bits of an instruction whose operands match `form`, and its distance to fill in later. */
export function encodeInstruction(
  form: InstructionForm,
  operands: readonly Operand[],
): { readonly word: number; readonly target: { readonly label: Label; readonly field: Field } | null } {
  let word = form.fixed;
  let target: { label: Label; field: Field } | null = null;
  const put = (field: Field, value: number): void => {
    word |= placed(field, value);
  };
  form.operands.forEach((pattern, position) => {
    const operand = operands[position]!;
    if (pattern.kind === 'label') target = { label: operand as Label, field: pattern.field };
    else putOperand(pattern, operand, put);
  });
  return { word, target };
}

function putOperand(
  pattern: OperandPattern,
  operand: Operand,
  put: (field: Field, value: number) => void,
): void {
  if (typeof operand === 'number') {
    if (pattern.kind === 'immediate') put(pattern.immediate.field, fieldValue(pattern.immediate, operand)!);
  } else if (typeof operand === 'string') {
    if (pattern.kind === 'condition') put(pattern.field, CONDITIONS.indexOf(operand));
  } else if (operand.type === 'memory') {
    if (pattern.kind !== 'memory') return;
    put(pattern.base, operand.base.index);
    if (pattern.index !== null && operand.index !== null) put(pattern.index, operand.index.index);
    if (pattern.offset !== null) put(pattern.offset.field, fieldValue(pattern.offset, operand.offset)!);
  } else if (operand.type === 'v') {
    if (pattern.kind !== 'vector') return;
    put(pattern.field, operand.index);
    if (pattern.element !== null) put(pattern.element, operand.element!);
  } else if (operand.type !== 'label' && pattern.kind === 'register') {
    put(pattern.field, operand.index);
  }
}

/** The low bits of `value`, two's complement, in the places of a field. */
export function placed(field: Field, value: number): number {
  return field.reduce((word, bit, i) => word | (((value >> (field.length - 1 - i)) & 1) << bit), 0);
}

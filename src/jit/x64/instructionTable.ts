import { type ConditionalMnemonic, conditionalInstructions } from './conditionalInstructions.js';
import { generalInstructions } from './generalInstructions.js';
import { type InstructionForm, parseInstructionForms } from './instructionForm.js';
import { vectorArithmetic } from './vectorArithmetic.js';
import { vectorMoves } from './vectorMoves.js';

/** Every instruction that the assembler knows. */
export type Mnemonic =
  | keyof typeof generalInstructions
  | keyof typeof vectorMoves
  | keyof typeof vectorArithmetic
  | ConditionalMnemonic;

/** Table rows by mnemonic, in order of preference. */
export const instructionTable: Readonly<Record<Mnemonic, readonly string[]>> = {
  ...generalInstructions,
  ...conditionalInstructions(),
  ...vectorMoves,
  ...vectorArithmetic,
};

const parsedForms = new Map<Mnemonic, readonly InstructionForm[]>();

/** The forms of an instruction; rows are read at first use. */
export function instructionForms(mnemonic: Mnemonic): readonly InstructionForm[] {
  let forms = parsedForms.get(mnemonic);
  if (forms === undefined) {
    forms = instructionTable[mnemonic].flatMap(parseInstructionForms);
    parsedForms.set(mnemonic, forms);
  }
  return forms;
}

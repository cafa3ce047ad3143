import type { InstructionForm } from './instructionForm.js';
import type { ImmediateType, OperandPattern } from './operandPattern.js';
import type { Label, Memory, Operand } from './operands.js';
import type { Register } from './registers.js';

const immediateRanges: Record<Exclude<ImmediateType, 'imm64'>, readonly [number, number]> = {
  imm8: [-0x80, 0x7f],
  uimm8: [0, 0xff],
  imm32: [-0x8000_0000, 0x7fff_ffff],
  uimm32: [-0x8000_0000, 0xffff_ffff],
};

/** Whether the operands fit the form. `isNear` tells whether a label is in reach of a one-byte distance. */
export function matchOperands(
  form: InstructionForm,
  operands: readonly Operand[],
  isNear: (label: Label) => boolean,
): boolean {
  if (form.operands.length !== operands.length) return false;
  return form.operands.every((pattern, position) => {
    const operand = operands[position];
    return operand !== undefined && matchOperand(form, pattern, operand, isNear);
  });
}

function matchOperand(
  form: InstructionForm,
  pattern: OperandPattern,
  operand: Operand,
  isNear: (label: Label) => boolean,
): boolean {
  if (typeof operand !== 'object') return matchImmediate(pattern, operand);
  if (operand.type === 'label') {
    return pattern.relativeBits === 32 || (pattern.relativeBits === 8 && isNear(operand));
  }
  if (operand.writemask > 0 && !pattern.maskable) return false;
  if (operand.type === 'memory') return matchMemory(pattern, operand);
  return matchRegister(form, pattern, operand);
}

function matchRegister(form: InstructionForm, pattern: OperandPattern, register: Register): boolean {
  if (pattern.register !== register.type) return false;
  // Only EVEX reaches the upper sixteen vector registers.
  return (register.index < 16 || form.prefix === 'evex') && (!register.zeroing || pattern.zeroable);
}

function matchMemory(pattern: OperandPattern, memory: Memory): boolean {
  const { memoryBits, broadcastBits } = pattern;
  if (memoryBits === null || memory.zeroing) return false;
  if (memory.broadcast > 0) {
    return broadcastBits > 0 && memory.broadcast === memoryBits / broadcastBits;
  }
  if (memory.bits === null) return !pattern.statedBits;
  return memory.bits === memoryBits || memoryBits === 0;
}

function matchImmediate(pattern: OperandPattern, value: number | bigint): boolean {
  const type = pattern.immediate;
  if (type === null) return false;
  if (type === 'imm64') return fitsInt64(value);
  const [low, high] = immediateRanges[type];
  return typeof value === 'number' && Number.isInteger(value) && value >= low && value <= high;
}

/** 64 bits, signed or unsigned; a number only where it is exact. */
function fitsInt64(value: number | bigint): boolean {
  if (typeof value === 'number') return Number.isSafeInteger(value);
  return value >= -(2n ** 63n) && value < 2n ** 64n;
}

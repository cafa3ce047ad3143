import type { MemoryOperand, Operand } from '../../../src/jit/arm64/operands.js';

/*
 * Instructions as `objdump -M no-aliases` prints them, written from the operands alone and apart from the assembler.
 */

/** Immediates that are decimal and stand behind a shift, or have a name. */
const shifted = new Set(['movz', 'movn', 'movk']);

/** Vectors in braces: lists, of one register here. */
const lists = new Set(['ld1r']);

const hex = (value: number): string =>
  value < 0 ? `#-0x${(-value).toString(16)}` : `#0x${value.toString(16)}`;

/** @param targets offsets of the labels, by name */
export function disassembledText(
  mnemonic: string,
  operands: readonly Operand[],
  targets: ReadonlyMap<string, number>,
): string {
  const texts = operands.map((operand) => operandText(mnemonic, operand, targets));
  if (mnemonic === 'b.') return `b.${texts[0]} ${texts[1]}`;
  if (mnemonic === 'dc') return systemText('C11', texts[1]!);
  if (mnemonic === 'ic') return systemText('C5', texts[1]!);
  const last = operands.at(-1);
  if (shifted.has(mnemonic)) texts.splice(2, 1, ...(last === 0 ? [] : [`lsl #${last}`]));
  if (mnemonic === 'movi' && texts.length === 3) texts[2] = 'msl #8';
  return `${mnemonic} ${texts.join(', ')}`.trim();
}

/** The instruction that `dc` and `ic` are names of; it leaves a zero register out. */
function systemText(operation: string, register: string): string {
  return `sys #3, C7, ${operation}, #1${register === 'xzr' ? '' : `, ${register}`}`;
}

function operandText(mnemonic: string, operand: Operand, targets: ReadonlyMap<string, number>): string {
  if (typeof operand === 'number') return immediateText(mnemonic, operand);
  if (typeof operand === 'string') return operand;
  switch (operand.type) {
    case 'label':
      return `0x${targets.get(operand.name)?.toString(16)}`;
    case 'sp':
      return 'sp';
    case 'v': {
      const element = operand.element === null ? '' : `[${operand.element}]`;
      const text = `v${operand.index}.${operand.arrangement}${element}`;
      return lists.has(mnemonic) ? `{${text}}` : text;
    }
    case 'memory':
      return memoryText(operand);
    default: {
      const isGeneral = operand.type === 'x' || operand.type === 'w';
      return isGeneral && operand.index === 31 ? `${operand.type}zr` : operand.type + operand.index;
    }
  }
}

function immediateText(mnemonic: string, value: number): string {
  if (['add', 'sub', 'subs', 'adds'].includes(mnemonic) && value >= 4096)
    return `${hex(value / 4096)}, lsl #12`;
  if (['ubfm', 'sbfm', 'shl', 'ushr', 'shll', 'shll2', 'ushll', 'shrn'].includes(mnemonic))
    return `#${value}`;
  return hex(value);
}

function memoryText({ base, index, offset, mode }: MemoryOperand): string {
  const inner = base.type === 'sp' ? 'sp' : `x${base.index}`;
  if (index !== null) return `[${inner}, x${index.index}]`;
  if (mode === 'post') return `[${inner}], #${offset}`;
  if (mode === 'pre') return `[${inner}, #${offset}]!`;
  return offset === 0 ? `[${inner}]` : `[${inner}, #${offset}]`;
}

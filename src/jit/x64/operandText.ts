import type { Memory, Operand } from './operands.js';
import type { Register } from './registers.js';

/** An operand as error messages show it: `zmm1{k2}{z}`, `[r0+r1*4+64]{1to16}`, `label loop`, `-8`. */
export function operandText(operand: Operand): string {
  if (typeof operand !== 'object') return String(operand);
  if (operand.type === 'label') return `label ${operand.name}`;
  const decorations =
    (operand.writemask > 0 ? `{k${operand.writemask}}` : '') + (operand.zeroing ? '{z}' : '');
  const text = operand.type === 'memory' ? memoryText(operand) : registerText(operand);
  return text + decorations;
}

function registerText(register: Register): string {
  if (register.type.startsWith('gpr')) return `${register.type}(${register.index})`;
  return `${register.type === 'mask' ? 'k' : register.type}${register.index}`;
}

function memoryText(memory: Memory): string {
  const terms: string[] = [];
  if (memory.label !== null) terms.push(`rip+${memory.label.name}`);
  if (memory.base !== null) terms.push(`r${memory.base.index}`);
  if (memory.index !== null) terms.push(`r${memory.index.index}*${memory.scale}`);
  if (memory.disp !== 0 || terms.length === 0) terms.push(String(memory.disp));
  const width = memory.bits === null ? '' : `m${memory.bits} `;
  const broadcast = memory.broadcast > 0 ? `{1to${memory.broadcast}}` : '';
  return `${width}[${terms.join('+')}]${broadcast}`;
}

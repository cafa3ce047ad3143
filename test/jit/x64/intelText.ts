import type { OperandPattern } from '../../../src/jit/x64/forms.js';
import type { MemoryOperand, Operand, Register } from '../../../src/jit/x64/operands.js';

/*
 * Instructions as `objdump -M intel` prints them, written from the operands alone and apart from the assembler: what
 * the tests expect to read back.
 */

const names64 = 'rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15'.split(' ');
const names32 = 'eax ecx edx ebx esp ebp esi edi r8d r9d r10d r11d r12d r13d r14d r15d'.split(' ');
const names16 = 'ax cx dx bx sp bp si di r8w r9w r10w r11w r12w r13w r14w r15w'.split(' ');
const numbered = (prefix: string): string[] => Array.from({ length: 32 }, (_, i) => prefix + i);

const registerNames: Record<Register['type'], readonly string[]> = {
  gpr64: names64,
  gpr32: names32,
  gpr16: names16,
  xmm: numbered('xmm'),
  ymm: numbered('ymm'),
  zmm: numbered('zmm'),
  mask: numbered('k'),
  tile: numbered('tmm'),
};

const widthNames: Record<number, string> = {
  8: 'BYTE PTR ',
  16: 'WORD PTR ',
  32: 'DWORD PTR ',
  64: 'QWORD PTR ',
  128: 'XMMWORD PTR ',
  256: 'YMMWORD PTR ',
  512: 'ZMMWORD PTR ',
};

/** Names of the comparison predicates 0–31 of vcmpps (Intel SDM, CMPPD, table 3-1). */
const floatPredicates = (
  'eq lt le unord neq nlt nle ord eq_uq nge ngt false neq_oq ge gt true ' +
  'eq_os lt_oq le_oq unord_s neq_us nlt_uq nle_uq ord_s eq_us nge_uq ngt_uq false_os neq_os ge_oq gt_oq true_us'
).split(' ');

/** Predicates of vpcmpd that have a name of their own; 3 and 7 (never, always) have none. */
const integerPredicates = ['eq', 'lt', 'le', undefined, 'neq', 'nlt', 'nle'];

/** `mnemonic operand,operand`, one space, with `<name+disp>` for memory relative to rip. */
export function intelText(
  mnemonic: string,
  operands: readonly Operand[],
  patterns: readonly OperandPattern[],
): string {
  const texts = operands.map((operand, i) => operandText(operand, patterns[i], operands, mnemonic));
  const predicate = comparison(mnemonic, operands.at(-1));
  if (predicate !== undefined) return `${predicate} ${texts.slice(0, -1).join(',')}`;
  // The order of test's operands has no meaning, and there is one encoding for both.
  if (mnemonic === 'test' && texts[1]?.includes('PTR')) texts.reverse();
  return `${mnemonic} ${texts.join(',')}`.trim();
}

function comparison(mnemonic: string, last: Operand | undefined): string | undefined {
  if (typeof last !== 'number') return undefined;
  if (mnemonic === 'vcmpps' && last < 32) return `vcmp${floatPredicates[last]}ps`;
  const integer = /^vpcmp(u?d)$/.exec(mnemonic);
  const predicate = integerPredicates[last];
  return integer !== null && predicate !== undefined ? `vpcmp${predicate}${integer[1]}` : undefined;
}

function operandText(
  operand: Operand,
  pattern: OperandPattern | undefined,
  operands: readonly Operand[],
  mnemonic: string,
): string {
  if (typeof operand === 'bigint') return `0x${BigInt.asUintN(64, operand).toString(16)}`;
  if (typeof operand === 'number') {
    return pattern?.immediate === 'uimm8'
      ? `0x${operand.toString(16)}`
      : immediateText(operand, operandWidth(operands));
  }
  if (operand.type === 'label') return `<${operand.name}>`;
  const mask = operand.writemask > 0 ? `{k${operand.writemask}}` : '';
  const text =
    operand.type === 'memory'
      ? memoryWidth(operand, pattern, mnemonic) +
        addressText(operand) +
        broadcastText(operand, operands, mnemonic)
      : (registerNames[operand.type][operand.index] ?? '?');
  return text + mask + (operand.zeroing ? '{z}' : '');
}

/** Immediates are printed sign-extended to the width of the operation. */
function immediateText(value: number, bits: number): string {
  return `0x${BigInt.asUintN(bits, BigInt(value)).toString(16)}`;
}

function operandWidth(operands: readonly Operand[]): number {
  const first = operands[0];
  if (typeof first !== 'object' || first.type === 'label') return 64;
  return first.type === 'memory' ? (first.bits ?? 64) : first.type === 'gpr32' ? 32 : 64;
}

function memoryWidth(memory: MemoryOperand, pattern: OperandPattern | undefined, mnemonic: string): string {
  if (memory.broadcast > 0) return pattern?.broadcastBits === 64 ? 'QWORD BCST ' : 'DWORD BCST ';
  if (mnemonic === 'lea' || mnemonic === 'ldtilecfg' || mnemonic.startsWith('tile')) return '';
  if (mnemonic.startsWith('prefetch')) return 'BYTE PTR ';
  return widthNames[pattern?.memoryBits ?? 0] ?? '? ';
}

/** {1toN} is printed only where neither destination nor mnemonic tells the length of the source. */
function broadcastText(memory: MemoryOperand, operands: readonly Operand[], mnemonic: string): string {
  const destination = operands[0];
  const isTold = typeof destination === 'object' && destination.type !== 'xmm';
  return memory.broadcast > 0 && mnemonic === 'vcvtneps2bf16' && !isTold ? `{1to${memory.broadcast}}` : '';
}

function addressText(memory: MemoryOperand): string {
  if (memory.label !== null) return `<${memory.label.name}${memory.disp === 0 ? '' : `+${memory.disp}`}>`;
  const base = memory.base === null ? '' : (names64[memory.base.index] ?? '?');
  const index = memory.index === null ? '' : `${names64[memory.index.index]}*${memory.scale}`;
  const terms = [base, index].filter((term) => term !== '').join('+');
  // rbp and r13 as base, and a missing base, always have a displacement.
  const always = memory.base === null || (memory.base.index & 7) === 5;
  if (memory.disp === 0 && !always) return `[${terms}]`;
  const magnitude = Math.abs(memory.disp).toString(16);
  return `[${terms}${memory.disp < 0 ? '-' : '+'}0x${magnitude}]`;
}

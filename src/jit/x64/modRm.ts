import type { CodeBuffer } from './codeBuffer.js';
import type { Memory } from './operands.js';

/** ModRM with both fields registers. */
export function writeRegisterModRm(buffer: CodeBuffer, reg: number, rm: number): void {
  buffer.byte(0xc0 | ((reg & 7) << 3) | (rm & 7));
}

/**
 * ModRM, SIB and displacement of a memory operand without a label. `disp8Scale` is N of EVEX's disp8·N (1 elsewhere):
 * a displacement that is a multiple of N and fits a signed byte after division takes one byte.
 */
export function writeMemoryModRm(buffer: CodeBuffer, reg: number, memory: Memory, disp8Scale: number): void {
  const regField = (reg & 7) << 3;
  const base = memory.base === null ? null : memory.base.index & 7;
  const mode = base === null ? 0 : displacementMode(base, memory.disp, disp8Scale);
  // rm = 100 announces a SIB byte, so rsp and r12 as base need one too.
  const needsSib = memory.index !== null || base === null || base === 4;
  buffer.byte((mode << 6) | regField | (needsSib ? 4 : base));
  if (needsSib) {
    const index = memory.index === null ? 4 : memory.index.index & 7;
    buffer.byte((Math.log2(memory.scale) << 6) | (index << 3) | (base ?? 5));
  }
  if (mode === 1) buffer.byte(memory.disp / disp8Scale);
  else if (mode === 2 || base === null) buffer.int32(memory.disp);
}

/** ModRM for [rip + disp32]; the caller writes the distance. */
export function writeRipModRm(buffer: CodeBuffer, reg: number): void {
  buffer.byte(((reg & 7) << 3) | 5);
}

/** ModRM.mod: 0 no displacement (impossible for rbp and r13), 1 one byte, 2 four bytes. */
function displacementMode(base: number, disp: number, disp8Scale: number): number {
  if (disp === 0 && base !== 5) return 0;
  const scaled = disp / disp8Scale;
  return Number.isInteger(scaled) && scaled >= -128 && scaled <= 127 ? 1 : 2;
}

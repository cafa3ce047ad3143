import type { ImmediateType, InstructionForm, OperandPattern } from '../../../src/jit/x64/forms.js';
import {
  gpr,
  gpr16,
  gpr32,
  type Label,
  type MemoryOperand,
  type MemoryOptions,
  mask,
  masked,
  mem,
  type Operand,
  type Register,
  ripLabel,
  tmm,
  xmm,
  ymm,
  zeroMasked,
  zmm,
} from '../../../src/jit/x64/operands.js';

const registerFiles = {
  gpr16,
  gpr32,
  gpr64: gpr,
  xmm,
  ymm,
  zmm,
  mask,
  tile: tmm,
};

const immediateSamples: Record<ImmediateType, readonly (number | bigint)[]> = {
  imm8: [0, 1, 127, -1, -128],
  uimm8: [0, 1, 2, 7, 0x55, 128, 255],
  imm32: [128, -129, 0x12345678, 0x7fffffff, -0x80000000],
  uimm32: [0, 1, 0x12345678, 0xffffffff],
  imm64: [0, 0x7fff_1234_5678, 0x0123_4567_89ab_cdefn, 0xffff_ffff_ffff_fff0n],
};

/** A stream of whole numbers in [0, bound), the same in every run (xorshift32, seed fixed by the caller). */
export function randomIntegers(seed: number): (bound: number) => number {
  let state = seed | 1;
  return (bound) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % bound;
  };
}

/** How many samples a form gets: memory operands have more corner cases than registers. */
export function sampleCount(form: InstructionForm): number {
  return form.operands.some((operand) => operand.memoryBits !== null) ? 60 : 16;
}

/** Operands for a form; `turn` walks through memory and immediate corner cases, the rest is random. */
export function sampleOperands(
  form: InstructionForm,
  turn: number,
  random: (bound: number) => number,
  label: Label,
): Operand[] {
  return form.operands.map((pattern, position) => {
    if (pattern.relativeBits > 0) return label;
    if (pattern.immediate !== null) return pick(immediateSamples[pattern.immediate], turn);
    // No two tiles of an instruction may be the same.
    if (pattern.register === 'tile') return tmm((3 * turn + position * (1 + (turn % 3))) % 8);
    const wantsMemory = pattern.memoryBits !== null && (pattern.register === null || turn % 4 !== 0);
    const operand = wantsMemory
      ? memorySample(pattern, turn, random, label)
      : registerSample(form, pattern, random);
    return position === 0 ? decorated(operand, pattern, random) : operand;
  });
}

function registerSample(
  form: InstructionForm,
  pattern: OperandPattern,
  random: (bound: number) => number,
): Register {
  const type = pattern.register ?? 'gpr64';
  const isVector = type === 'xmm' || type === 'ymm' || type === 'zmm';
  const count = type === 'mask' ? 8 : isVector && form.prefix === 'evex' ? 32 : 16;
  return registerFiles[type](random(count));
}

const bases = [0, 4, 5, 12, 13, 7, 15].map(gpr);
const indexes = [1, 5, 9, 12, 13, 15].map(gpr);

function memorySample(
  pattern: OperandPattern,
  turn: number,
  random: (bound: number) => number,
  label: Label,
): MemoryOperand {
  const bits = pattern.memoryBits ?? 0;
  const isBroadcast = pattern.broadcastBits > 0 && random(3) === 0;
  const unit = (isBroadcast ? pattern.broadcastBits : Math.max(bits, 8)) / 8;
  // Around the limits of disp8 and of disp8·N, and between multiples of N.
  const disps = [0, 8, 127, 128, -128, -129, unit, -unit, 127 * unit, 128 * unit, -128 * unit, -129 * unit];
  const disp = pick([...disps, unit + unit / 2, unit + 1, 0x12345678, -0x80000000], turn) | 0;
  const options: MemoryOptions = {
    disp,
    ...(isBroadcast ? { broadcast: (bits / pattern.broadcastBits) as 2 | 4 | 8 | 16 } : {}),
    ...(pattern.statedBits && !isBroadcast ? { bits: bits as 8 | 16 | 32 | 64 | 128 | 256 | 512 } : {}),
  };
  if (!pattern.needsIndex && random(8) === 0) return ripLabel(label, { ...options, disp: random(64) });
  if (!pattern.needsIndex && random(2) === 0) return mem(pick(bases, turn + random(bases.length)), options);
  const index = pick(indexes, random(indexes.length));
  const base = random(8) === 0 ? null : pick(bases, random(bases.length));
  // Without a base, [index*1] has the other reading [index].
  const scale = pick([2, 4, 8, base === null ? 2 : 1] as const, random(4));
  return mem(base, { ...options, index, scale });
}

function decorated(
  operand: Register | MemoryOperand,
  pattern: OperandPattern,
  random: (bound: number) => number,
): Operand {
  if (!pattern.maskable || random(2) === 0) return operand;
  const k = mask(1 + random(7));
  const zeroes = pattern.zeroable && operand.type !== 'memory' && random(2) === 0;
  return zeroes ? zeroMasked(operand, k) : masked(operand, k);
}

function pick<Item>(items: readonly Item[], turn: number): Item {
  const item = items[turn % items.length];
  if (item === undefined) throw new Error('nothing to pick from');
  return item;
}

import { QwenAsrError } from '../../error.js';

/** Register files of x86-64, one name per operand width. */
export type RegisterType = 'gpr8' | 'gpr16' | 'gpr32' | 'gpr64' | 'xmm' | 'ymm' | 'zmm' | 'mask';

/** A register operand, with the EVEX decorations that a destination may carry. */
export interface Register<Type extends RegisterType = RegisterType> {
  readonly type: Type;
  /** Number in its file: 0–7 for masks, 0–15 for general registers, 0–31 for vectors. */
  readonly index: number;
  /** Index of the mask register that predicates the write, 1–7; 0: no predicate. */
  readonly writemask: number;
  /** Lanes with a clear mask bit become zero; otherwise they keep their old value. */
  readonly zeroing: boolean;
}

const fileSizes: Record<RegisterType, number> = {
  gpr8: 16,
  gpr16: 16,
  gpr32: 16,
  gpr64: 16,
  xmm: 32,
  ymm: 32,
  zmm: 32,
  mask: 8,
};

function registerFile<Type extends RegisterType>(type: Type): (index: number) => Register<Type> {
  const registers = Array.from({ length: fileSizes[type] }, (_, index): Register<Type> => {
    return { type, index, writemask: 0, zeroing: false };
  });
  return (index) => {
    const register = registers[index];
    if (register === undefined) {
      throw new QwenAsrError(
        'internal',
        `x64 register ${type}: expected an index from 0 to ${registers.length - 1}, found ${index}`,
      );
    }
    return register;
  };
}

/** 64-bit general register: 0–7 = rax rcx rdx rbx rsp rbp rsi rdi, 8–15 = r8–r15. */
export const gpr = registerFile('gpr64');
/** Low 32 bits of a general register; writing them clears the upper half. */
export const gpr32 = registerFile('gpr32');
/** Low 16 bits of a general register. */
export const gpr16 = registerFile('gpr16');
/** Low 8 bits of a general register (al, cl, dl, bl, spl, bpl, sil, dil, r8b–r15b). */
export const gpr8 = registerFile('gpr8');
/** 128-bit vector register, 0–31 (16–31 need AVX-512VL). */
export const xmm = registerFile('xmm');
/** 256-bit vector register, 0–31 (16–31 need AVX-512VL). */
export const ymm = registerFile('ymm');
/** 512-bit vector register, 0–31. */
export const zmm = registerFile('zmm');
/** AVX-512 mask register k0–k7; k0 cannot predicate. */
export const mask = registerFile('mask');

export const rax = gpr(0);
export const rcx = gpr(1);
export const rdx = gpr(2);
export const rbx = gpr(3);
export const rsp = gpr(4);
export const rbp = gpr(5);
export const rsi = gpr(6);
export const rdi = gpr(7);
